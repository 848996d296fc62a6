from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder
from piccolo.table import Table

ID = "2026-11-30T05:42:11:000000"
VERSION = "1.38.0"
DESCRIPTION = "states of editions of before"


class Edition(Table):
    """Only to reach the engine with."""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="evaluator", description=DESCRIPTION)

    async def older_rows():
        """Editions of before are published or superseded; what the log says of each is found once."""
        Edition._meta.db = engine_finder()  # a table remembers the first engine that it saw
        await Edition.raw(
            "UPDATE published_edition SET state = 'superseded' WHERE identifier IN "
            "(SELECT supersedes FROM published_edition WHERE supersedes <> '')"
        )
        await Edition.raw(
            "UPDATE published_edition SET leaf = COALESCE((SELECT MIN(leaf_hash) FROM log_leaf WHERE log = 'audit' AND "
            "entry LIKE '%\"sums\":\"' || sums_sha256 || '\"%\"what\":\"edition.published\"%'), '')"
        )

    manager.add_raw(older_rows)

    return manager

"""What waits is there once a code, and once a visit of an open form: a form that is sent twice counts once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder
from piccolo.table import Table

ID = "2026-11-30T10:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a form sent twice counts once"


class Waiting(Table):
    """Only to reach the engine with."""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="evaluator", description=DESCRIPTION)

    async def make_unique() -> None:
        Waiting._meta.db = engine_finder()  # a table remembers the first engine that it saw
        await Waiting.raw("DROP INDEX IF EXISTS pending_code_hash")
        await Waiting.raw("CREATE UNIQUE INDEX pending_code_hash ON pending (code_hash)")

    manager.add_raw(make_unique)
    return manager

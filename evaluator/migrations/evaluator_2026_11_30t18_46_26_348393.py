"""What waits is known by its leaf: one tree of random keys less, which took a page with every answer.

A table's primary key cannot be changed on SQLite: the table is made anew, with every row that waits.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder
from piccolo.table import Table

from evaluator.columns import BoundedText

ID = "2026-11-30T18:46:26:348393"
VERSION = "1.38.0"
DESCRIPTION = "what waits is known by its leaf"


class Waiting(Table):
    """Only to reach the engine with."""


class ByLeaf(MigrationManager):
    """What Piccolo cannot do: another primary key."""

    async def _run_alter_columns(self, backwards: bool = False) -> None:
        Waiting._meta.db = engine_finder()  # a table remembers the first engine that it saw
        if engine_finder().engine_type == "sqlite":
            await self._rebuild()
            return
        await Waiting.raw("ALTER TABLE pending DROP CONSTRAINT pending_pkey")
        await Waiting.raw("ALTER TABLE pending DROP CONSTRAINT pending_leaf_hash_key")
        await Waiting.raw("ALTER TABLE pending ADD CONSTRAINT pending_pkey PRIMARY KEY (leaf_hash)")

    async def _rebuild(self) -> None:
        [stored] = await Waiting.raw("SELECT sql FROM sqlite_master WHERE name = 'pending'")
        columns = stored["sql"]
        for before, after in (
            ('"identifier" VARCHAR(32) PRIMARY KEY', '"identifier" VARCHAR(32)'),
            ('"leaf_hash" VARCHAR(64) UNIQUE', '"leaf_hash" VARCHAR(64) PRIMARY KEY'),
        ):
            if columns.count(before) != 1:
                raise RuntimeError(f"the table pending is not as the migrations before have left it: {columns}")
            columns = columns.replace(before, after)
        await Waiting.raw("DROP INDEX pending_code_hash")
        await Waiting.raw("ALTER TABLE pending RENAME TO pending_before")
        await Waiting.raw(columns.replace("{", "{{").replace("}", "}}"))
        await Waiting.raw("INSERT INTO pending SELECT * FROM pending_before ORDER BY leaf_hash")
        await Waiting.raw("DROP TABLE pending_before")
        await Waiting.raw("CREATE UNIQUE INDEX pending_code_hash ON pending (code_hash)")


async def forwards() -> MigrationManager:
    manager = ByLeaf(migration_id=ID, app_name="evaluator", description=DESCRIPTION)

    manager.alter_column(
        table_class_name="Pending",
        tablename="pending",
        column_name="identifier",
        db_column_name="identifier",
        params={"primary_key": False},
        old_params={"primary_key": True},
        column_class=BoundedText,
        old_column_class=BoundedText,
        schema=None,
    )

    manager.alter_column(
        table_class_name="Pending",
        tablename="pending",
        column_name="leaf_hash",
        db_column_name="leaf_hash",
        params={"primary_key": True, "unique": False},
        old_params={"primary_key": False, "unique": True},
        column_class=BoundedText,
        old_column_class=BoundedText,
        schema=None,
    )

    return manager

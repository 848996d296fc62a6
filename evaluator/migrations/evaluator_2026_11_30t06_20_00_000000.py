"""PostgreSQL keeps no statistics of codes and names: in them it would stand which of them there were at which time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder
from piccolo.table import Table

ID = "2026-11-30T06:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "no statistics of what could be followed"
COLUMNS = {
    "admission": ("code_hash",),
    "pending": ("identifier", "salt", "leaf_hash", "commitment", "code_hash"),
    "draft": ("name",),
}


class Forgetful(Table):
    """Only to reach the engine with."""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="evaluator", description=DESCRIPTION)

    async def forget() -> None:
        if engine_finder().engine_type != "postgres":
            return
        Forgetful._meta.db = engine_finder()  # a table remembers the first engine that it saw
        for table, columns in COLUMNS.items():
            for column in columns:
                await Forgetful.raw(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")

    manager.add_raw(forget)
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from evaluator.columns import RangedInteger
from piccolo.columns.column_types import BigInt
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-30T01:32:02:595368"
VERSION = "1.38.0"
DESCRIPTION = "what was drawn so far, by which seed; lists of reminders that were made"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="evaluator", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Batch",
        tablename="batch",
        column_name="reminders",
        db_column_name="reminders",
        column_class_name="RangedInteger",
        column_class=RangedInteger,
        params={
            "default": 0,
            "low": 0,
            "high": 2,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="Batch",
        tablename="batch",
        column_name="seed",
        db_column_name="seed",
        column_class_name="BigInt",
        column_class=BigInt,
        params={
            "default": 0,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="SampleCell",
        tablename="sample_cell",
        column_name="drawn_to",
        db_column_name="drawn_to",
        column_class_name="BigInt",
        column_class=BigInt,
        params={
            "default": -1,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager

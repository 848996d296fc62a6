"""A batch keeps the marks of the sender's files whose codes are valid."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.indexes import IndexMethod

from evaluator.columns import BoundedText

ID = "2026-11-30T09:51:15:157235"
VERSION = "1.38.0"
DESCRIPTION = "marks of the files whose codes count"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="evaluator", description=DESCRIPTION)

    manager.add_column(
        table_class_name="Batch",
        tablename="batch",
        column_name="marks",
        db_column_name="marks",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 64,
            "default": "",
            "least": 0,
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

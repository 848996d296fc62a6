from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from evaluator.columns import BoundedText
from evaluator.columns import OneOf
from evaluator.columns import RangedInteger
from piccolo.columns.base import OnDelete
from piccolo.columns.base import OnUpdate
from piccolo.columns.column_types import Boolean
from piccolo.columns.column_types import Date
from piccolo.columns.column_types import ForeignKey
from piccolo.columns.column_types import Serial
from piccolo.columns.column_types import Text
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Unique
from piccolo.table import Table


class Account(Table, tablename="account", schema=None):
    id = Serial(
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name=None,
        secret=False,
    )


class PublishedEdition(Table, tablename="published_edition", schema=None):
    identifier = BoundedText(
        length=64,
        default="",
        least=1,
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name=None,
        secret=False,
    )


ID = "2026-11-30T05:42:10:259469"
VERSION = "1.38.0"
DESCRIPTION = "lives of editions, replies, registered schemes"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="evaluator", description=DESCRIPTION
    )

    manager.add_table(
        class_name="EditionReply",
        tablename="edition_reply",
        schema=None,
        columns=None,
    )

    manager.add_table(
        class_name="RegisteredScheme",
        tablename="registered_scheme",
        schema=None,
        columns=None,
    )

    manager.add_column(
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="id",
        db_column_name="id",
        column_class_name="Serial",
        column_class=Serial,
        params={
            "null": False,
            "primary_key": True,
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
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="edition",
        db_column_name="edition",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": PublishedEdition,
            "on_delete": OnDelete.restrict,
            "on_update": OnUpdate.restrict,
            "target_column": None,
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
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="unit",
        db_column_name="unit",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 64,
            "default": "",
            "least": 1,
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
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="text",
        db_column_name="text",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 4000,
            "default": "",
            "least": 1,
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
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="account",
        db_column_name="account",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": Account,
            "on_delete": OnDelete.restrict,
            "on_update": OnUpdate.restrict,
            "target_column": None,
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
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="written_at",
        db_column_name="written_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": None,
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
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="changed_at",
        db_column_name="changed_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": None,
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
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="answer",
        db_column_name="answer",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 4000,
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

    manager.add_column(
        table_class_name="EditionReply",
        tablename="edition_reply",
        column_name="corrected",
        db_column_name="corrected",
        column_class_name="Boolean",
        column_class=Boolean,
        params={
            "default": False,
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
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="sha256",
        db_column_name="sha256",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 64,
            "default": "",
            "least": 64,
            "null": False,
            "primary_key": True,
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
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="code",
        db_column_name="code",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 64,
            "default": "",
            "least": 1,
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
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="version",
        db_column_name="version",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 64,
            "default": "",
            "least": 1,
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
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="title_zh",
        db_column_name="title_zh",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 200,
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

    manager.add_column(
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="title_en",
        db_column_name="title_en",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 200,
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

    manager.add_column(
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="registered_on",
        db_column_name="registered_on",
        column_class_name="Date",
        column_class=Date,
        params={
            "default": None,
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
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="content",
        db_column_name="content",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": "",
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
        table_class_name="RegisteredScheme",
        tablename="registered_scheme",
        column_name="leaf",
        db_column_name="leaf",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 64,
            "default": "",
            "least": 64,
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

    manager.add_constraint(
        table_class_name="EditionReply",
        tablename="edition_reply",
        constraint_name="edition_reply_once",
        constraint_class=Unique,
        params={"columns": ["edition", "unit"], "nulls_distinct": True},
        schema=None,
    )

    manager.add_column(
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="early_why",
        db_column_name="early_why",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 1000,
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

    manager.add_column(
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="files_removed",
        db_column_name="files_removed",
        column_class_name="Boolean",
        column_class=Boolean,
        params={
            "default": False,
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
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="leaf",
        db_column_name="leaf",
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

    manager.add_column(
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="reply_days",
        db_column_name="reply_days",
        column_class_name="RangedInteger",
        column_class=RangedInteger,
        params={
            "default": 0,
            "low": 0,
            "high": 365,
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
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="reply_until",
        db_column_name="reply_until",
        column_class_name="Date",
        column_class=Date,
        params={
            "default": None,
            "null": True,
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
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="state",
        db_column_name="state",
        column_class_name="OneOf",
        column_class=OneOf,
        params={
            "length": 11,
            "default": "published",
            "words": [
                "draft",
                "under_reply",
                "published",
                "superseded",
                "withdrawn",
            ],
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
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="why",
        db_column_name="why",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 1000,
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

    manager.add_column(
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="withdrawn_on",
        db_column_name="withdrawn_on",
        column_class_name="Date",
        column_class=Date,
        params={
            "default": None,
            "null": True,
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
        table_class_name="PublishedEdition",
        tablename="published_edition",
        column_name="withdrawn_why",
        db_column_name="withdrawn_why",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 1000,
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

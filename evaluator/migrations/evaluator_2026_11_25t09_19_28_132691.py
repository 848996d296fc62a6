from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from evaluator.columns import BoundedText
from piccolo.columns.base import OnDelete
from piccolo.columns.base import OnUpdate
from piccolo.columns.column_types import Boolean
from piccolo.columns.column_types import Date
from piccolo.columns.column_types import ForeignKey
from piccolo.columns.column_types import Serial
from piccolo.columns.column_types import Text
from piccolo.columns.indexes import IndexMethod
from piccolo.engine.finder import engine_finder
from piccolo.table import Table


class Campaign(Table, tablename="campaign", schema=None):
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


class QuestionnaireVersion(Table, tablename="questionnaire_version", schema=None):
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


ID = "2026-11-25T09:19:28:132691"
VERSION = "1.38.0"
DESCRIPTION = "versions of a campaign, orders of choices, answers of trials"


REFERENCE = (
    "INTEGER NOT NULL REFERENCES questionnaire_version (id) ON DELETE RESTRICT ON UPDATE RESTRICT"
)


class FilledIn(MigrationManager):
    """What Piccolo cannot do on SQLite: a column that may not be blank, for rows that exist already."""

    async def _run_add_columns(self, backwards: bool = False):
        if backwards:
            await super()._run_add_columns(backwards=True)
            return
        Campaign._meta.db = engine_finder()  # a table remembers the first engine that it saw
        run = Campaign.raw
        await run(
            "ALTER TABLE questionnaire_version ADD COLUMN published BOOLEAN NOT NULL DEFAULT true"
        )
        if engine_finder().engine_type == "sqlite":
            await self._rebuild_responses()
        else:
            await run("ALTER TABLE response ADD COLUMN orders TEXT NOT NULL DEFAULT ''")
            await run(f"ALTER TABLE response ADD COLUMN questionnaire {REFERENCE.replace(' NOT NULL', '')}")
            await run(
                "UPDATE response SET questionnaire = campaign.questionnaire FROM campaign "
                "WHERE campaign.id = response.campaign"
            )
            await run("ALTER TABLE response ALTER COLUMN questionnaire SET NOT NULL")
        await run(
            "INSERT INTO campaign_version (campaign, questionnaire, since) "
            "SELECT id, questionnaire, opens FROM campaign ORDER BY id"
        )

    async def _rebuild_responses(self):
        run = Campaign.raw
        [stored] = await run("SELECT sql FROM sqlite_master WHERE name = 'response'")
        columns, end, _ = stored["sql"].rpartition(") WITHOUT ROWID")
        await run("ALTER TABLE response RENAME TO response_before")
        await run(
            f"{columns}, orders TEXT NOT NULL DEFAULT '', questionnaire {REFERENCE}{end}"
        )
        await run(
            "INSERT INTO response SELECT response_before.*, '', campaign.questionnaire "
            "FROM response_before JOIN campaign ON campaign.id = response_before.campaign"
        )
        await run("DROP TABLE response_before")


async def forwards():
    manager = FilledIn(
        migration_id=ID, app_name="evaluator", description=DESCRIPTION
    )

    manager.add_table(
        class_name="CampaignVersion",
        tablename="campaign_version",
        schema=None,
        columns=None,
    )

    manager.add_table(
        class_name="TrialResponse",
        tablename="trial_response",
        schema=None,
        columns=None,
    )

    manager.add_column(
        table_class_name="CampaignVersion",
        tablename="campaign_version",
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
        table_class_name="CampaignVersion",
        tablename="campaign_version",
        column_name="campaign",
        db_column_name="campaign",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": Campaign,
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
        table_class_name="CampaignVersion",
        tablename="campaign_version",
        column_name="questionnaire",
        db_column_name="questionnaire",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": QuestionnaireVersion,
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
        table_class_name="CampaignVersion",
        tablename="campaign_version",
        column_name="since",
        db_column_name="since",
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
        table_class_name="TrialResponse",
        tablename="trial_response",
        column_name="identifier",
        db_column_name="identifier",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 32,
            "default": "",
            "least": 32,
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
        table_class_name="TrialResponse",
        tablename="trial_response",
        column_name="questionnaire",
        db_column_name="questionnaire",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": QuestionnaireVersion,
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
        table_class_name="TrialResponse",
        tablename="trial_response",
        column_name="day",
        db_column_name="day",
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
        table_class_name="TrialResponse",
        tablename="trial_response",
        column_name="flags",
        db_column_name="flags",
        column_class_name="BoundedText",
        column_class=BoundedText,
        params={
            "length": 255,
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
        table_class_name="TrialResponse",
        tablename="trial_response",
        column_name="answers",
        db_column_name="answers",
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
        table_class_name="TrialResponse",
        tablename="trial_response",
        column_name="orders",
        db_column_name="orders",
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
        table_class_name="QuestionnaireVersion",
        tablename="questionnaire_version",
        column_name="published",
        db_column_name="published",
        column_class_name="Boolean",
        column_class=Boolean,
        params={
            "default": True,
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
        table_class_name="Response",
        tablename="response",
        column_name="orders",
        db_column_name="orders",
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
        table_class_name="Response",
        tablename="response",
        column_name="questionnaire",
        db_column_name="questionnaire",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": QuestionnaireVersion,
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

    return manager

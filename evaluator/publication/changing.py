"""Whatever public pages show that can change, as one value that is cheap to ask for."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime

from piccolo.query.functions import Count, Max

from evaluator.collection.tables import Campaign, QuestionnaireVersion
from evaluator.publication.outlines import state_of_outlines
from evaluator.rating.tables import EditionReply, PublishedEdition, RegisteredScheme
from evaluator.records.tables import Import
from evaluator.settings import Settings


async def what_can_change(settings: Settings) -> Hashable:
    """Editions with their states, replies, the last import, campaigns, questionnaires, outlines, and the day.

    Responses are not in it: no public page on ratings shows them, and they come by the thousand.
    """
    editions = await PublishedEdition.select().order_by(PublishedEdition.identifier)
    imports = await Import.select(Max(Import.id), Count(Import.withdrawn_on, alias="withdrawn"))
    campaigns = await Campaign.select().order_by(Campaign.id)
    questionnaires = await QuestionnaireVersion.select(
        QuestionnaireVersion.id, QuestionnaireVersion.published
    ).order_by(QuestionnaireVersion.id)
    replies = await EditionReply.select(Max(EditionReply.changed_at))
    schemes = await RegisteredScheme.select(Count())
    rows = (*editions, *imports, *campaigns, *questionnaires, *replies, *schemes)
    return (
        settings.database,
        datetime.now(settings.zone).date(),
        state_of_outlines(settings.data_dir),
        tuple(tuple(row.values()) for row in rows),
    )

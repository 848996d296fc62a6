"""Versions of questionnaires as operators keep them: drafts can be replaced and deleted; published ones stay."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date
from functools import lru_cache
from typing import Literal

import msgspec

from evaluator import database
from evaluator.collection.campaigns import Label
from evaluator.collection.tables import QuestionnaireVersion, TrialResponse
from evaluator.problems import Problem, not_found
from questionnaires.definition import Questionnaire
from questionnaires.loading import loads
from questionnaires.mistakes import DefinitionError

Outcome = Literal["new", "same", "replaced"]


def _(message: str) -> str:
    return message


class User(msgspec.Struct, frozen=True):
    """A campaign that shows a version, or has shown it."""

    code: str
    title: Label
    shows_now: bool


class Line(msgspec.Struct, frozen=True):
    """A version in the list."""

    id: int
    code: str
    version: str
    published: bool
    campaigns: tuple[User, ...]
    answers: int
    trials: int


class Kept(msgspec.Struct, frozen=True):
    """A version with its text and what the text says."""

    line: Line
    text: str
    questionnaire: Questionnaire

    @property
    def address(self) -> str:
        return f"/staff/questionnaires/{self.line.code}/{self.line.version}"

    @property
    def digest(self) -> str:
        return digest(self.text)


def digest(text: str) -> str:
    """What a form carries, so that nothing is published but what was looked at."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=128)
def _read(text: str, name: str) -> Questionnaire:
    return loads(text, name)


async def _users() -> dict[int, tuple[User, ...]]:
    found: dict[int, list[User]] = {}
    for row in await QuestionnaireVersion.raw(
        "SELECT DISTINCT used.questionnaire, campaign.code, title_zh, title_en, campaign.opens, "
        "campaign.questionnaire = used.questionnaire AS shows_now "
        "FROM campaign_version AS used JOIN campaign ON campaign.id = used.campaign ORDER BY campaign.opens, code"
    ):
        user = User(row["code"], Label(row["title_zh"], row["title_en"]), bool(row["shows_now"]))
        found.setdefault(row["questionnaire"], []).append(user)
    return {number: tuple(users) for number, users in found.items()}


async def _counts(table: str) -> dict[int, int]:
    rows = await QuestionnaireVersion.raw(f"SELECT questionnaire, count(*) AS n FROM {table} GROUP BY questionnaire")
    return {row["questionnaire"]: row["n"] for row in rows}


async def lines(code: str | None = None) -> list[Line]:
    """All versions, those of one questionnaire together, the latest first."""
    found = QuestionnaireVersion.select(
        QuestionnaireVersion.id, QuestionnaireVersion.code, QuestionnaireVersion.version, QuestionnaireVersion.published
    )
    if code is not None:
        found = found.where(QuestionnaireVersion.code == code)
    rows = await found.order_by(QuestionnaireVersion.code).order_by(QuestionnaireVersion.id, ascending=False)
    users, answers, trials = await _users(), await _counts("response"), await _counts("trial_response")
    for version, number in (await _counts("pending")).items():  # withdrawn ones too: they still name the version
        answers[version] = answers.get(version, 0) + number
    return [
        Line(
            **row,
            campaigns=users.get(row["id"], ()),
            answers=answers.get(row["id"], 0),
            trials=trials.get(row["id"], 0),
        )
        for row in rows
    ]


async def find(code: str, version: str) -> Kept:
    """A version.

    Raises
    ------
    Problem
        404 when there is none; 409 when this software cannot read it any more.
    """
    found = next((line for line in await lines(code.replace("\x00", "")) if line.version == version), None)
    if found is None:
        raise not_found(f"{code}@{version}"[:80])
    return await _with_text(found)


async def _with_text(line: Line) -> Kept:
    row = await QuestionnaireVersion.select(QuestionnaireVersion.definition).where(QuestionnaireVersion.id == line.id)
    if not row:  # deleted a moment ago
        raise not_found(f"{line.code}@{line.version}")
    text = row[0]["definition"]
    try:
        questionnaire = await asyncio.to_thread(_read, text, f"{line.code}@{line.version}")  # large ones take a second
    except DefinitionError as error:
        raise Problem(
            409, _("This version cannot be read"),
            _("%(identifier)s was kept by another version of the software: %(why)s"),
            identifier=f"{line.code}@{line.version}", why=error.lines()[0],
        ) from None  # fmt: skip
    return Kept(line, text, questionnaire)


async def movable(kept: Kept, today: date) -> list[User]:
    """The campaigns that show another version of this questionnaire and are not over."""
    rows = await QuestionnaireVersion.raw(
        "SELECT campaign.code, title_zh, title_en FROM campaign "
        "JOIN questionnaire_version AS shown ON shown.id = campaign.questionnaire "
        "WHERE shown.code = {} AND shown.id <> {} AND campaign.closes >= {} ORDER BY campaign.opens, campaign.code",
        kept.line.code,
        kept.line.id,
        today.isoformat() if isinstance(database.engine(), database.DurableSQLiteEngine) else today,
    )
    return [User(row["code"], Label(row["title_zh"], row["title_en"]), False) for row in rows]


async def durations(version: int) -> dict[str, int]:
    """How long answering took, by the classes that are kept of it: per cent, to tens; blank below a hundred responses.

    Counts beside those of the campaigns' pages would narrow these down.
    """
    rows = await QuestionnaireVersion.raw(
        "SELECT duration, count(*) AS n FROM (SELECT duration, questionnaire FROM response "
        "UNION ALL SELECT duration, questionnaire FROM pending WHERE NOT withdrawn) AS counted "
        "WHERE questionnaire = {} GROUP BY duration",
        version,
    )
    total = sum(row["n"] for row in rows)
    return {row["duration"]: 10 * round(10 * row["n"] / total) for row in rows} if total >= 100 else {}


async def before(kept: Kept) -> Kept | None:
    """The published version that came before one; None when there is none."""
    earlier = [line for line in await lines(kept.line.code) if line.id < kept.line.id and line.published]
    return await _with_text(earlier[0]) if earlier else None


async def store(text: str, questionnaire: Questionnaire) -> Outcome:
    """Keep an upload as a draft: a new version, or in place of the draft of the same number.

    The trial answers of a draft that is replaced are deleted with it: they were given to other words.

    Raises
    ------
    Problem
        409 when the version was published with other words.
    """
    where = (QuestionnaireVersion.code == questionnaire.code) & (QuestionnaireVersion.version == questionnaire.version)
    async with QuestionnaireVersion._meta.db.transaction():
        known = await QuestionnaireVersion.objects().get(where)
        if known is None:
            await QuestionnaireVersion(
                code=questionnaire.code, version=questionnaire.version, definition=text, published=False
            ).save()
            return "new"
        if known.definition == text:
            return "same"
        if not await _draft_is_now(known.id, text):
            raise Problem(
                409, _("This version is published"),
                _("%(identifier)s is published and never changes. Give the file another version, such as one more."),
                identifier=questionnaire.identifier,
            )  # fmt: skip
        await TrialResponse.delete().where(TrialResponse.questionnaire == known.id)
        return "replaced"


async def _draft_is_now(number: int, text: str) -> bool:
    rows = await (
        QuestionnaireVersion.update({QuestionnaireVersion.definition: text})
        .where((QuestionnaireVersion.id == number) & QuestionnaireVersion.published.eq(False))
        .returning(QuestionnaireVersion.id)
    )
    return bool(rows)


async def publish(kept: Kept, seen: str) -> None:
    """Publish a draft, for good.

    Parameters
    ----------
    seen : str
        The digest of the text that the operator looked at.

    Raises
    ------
    Problem
        409 when it was published already, or replaced since it was looked at.
    """
    rows = []
    if seen == kept.digest:
        rows = await (
            QuestionnaireVersion.update({QuestionnaireVersion.published: True})
            .where(
                (QuestionnaireVersion.id == kept.line.id)
                & QuestionnaireVersion.published.eq(False)
                & (QuestionnaireVersion.definition == kept.text)
            )
            .returning(QuestionnaireVersion.id)
        )
    if not rows:
        raise Problem(
            409, _("This is not the draft you looked at"),
            _("It was published or replaced in the meantime. Look at it again."),
        )  # fmt: skip


async def delete(kept: Kept) -> None:
    """Delete a draft and its trial answers.

    Raises
    ------
    Problem
        409 when it is published.
    """
    async with QuestionnaireVersion._meta.db.transaction():
        if not await _draft_is_now(kept.line.id, kept.text):
            raise Problem(
                409, _("This version is published"), _("A published version stays: answers and editions name it.")
            )
        await TrialResponse.delete().where(TrialResponse.questionnaire == kept.line.id)
        await QuestionnaireVersion.delete().where(QuestionnaireVersion.id == kept.line.id)

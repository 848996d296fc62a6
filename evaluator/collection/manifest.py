"""What a campaign promises before it opens, and each change since: logged, and compared with the database.

The manifest is one text, worked out from the database alone, so that anybody can see whether the database still says
what was promised. `changing` is the one door to everything that the manifest says: whoever writes to `campaign`,
`campaign_unit`, `sample_cell` or `population_cell` does it inside, and a changed text is logged in the same
transaction.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Literal

import msgspec

from evaluator import database
from evaluator.collection import rules as registered
from evaluator.collection.definitions import read
from evaluator.collection.labels import Label
from evaluator.collection.rules import ExclusionRule, Thresholds
from evaluator.collection.tables import Campaign, CampaignUnit, Manifest, PopulationCell, SampleCell
from evaluator.ledger.appending import append
from evaluator.ledger.files import head, publish
from evaluator.ledger.keys import AUDIT, campaign_log, signer
from evaluator.ledger.leaves import entry
from evaluator.ledger.tables import LogLeaf
from evaluator.settings import Settings
from questionnaires.definition import Questionnaire
from questionnaires.expression import Expression

FORMAT = "evaluator manifest v1"
LICENCE = "CC-BY-4.0"  # of what is published; single answers are never published
LONGEST_REASON = 400  # characters

log = logging.getLogger("evaluator")


def _(message: str) -> str:
    return message


class Asked(msgspec.Struct, frozen=True):
    """The questionnaire: its name, and the SHA-256 of its file."""

    identifier: str  # code@version
    sha256: str


class UnitTarget(msgspec.Struct, frozen=True):
    unit: str
    target: int  # responses wanted; 0: none was set


class Stratum(msgspec.Struct, frozen=True):
    column: str  # s_QUESTION
    codes: tuple[str, ...]


class People(msgspec.Struct, frozen=True):
    """How many people of a kind live in an area."""

    unit: str
    strata: Mapping[str, str]
    count: int


class Cell(msgspec.Struct, frozen=True):
    """A design cell of the invited sample."""

    unit: str
    design_stratum: str
    psu: str
    frame_n: int
    invited: int
    calibration_area: str


class Flags(msgspec.Struct, frozen=True):
    """What raises a flag. A flag deletes nothing: results are shown with and without flagged responses."""

    by_response: Mapping[str, Any]  # when one is accepted: the questionnaire's own rules
    at_close: Mapping[str, Any]  # among all of them; thresholds by rule, items by their codes


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest, read."""

    format: Literal["evaluator manifest v1"] = FORMAT
    campaign: str
    title: Label
    questionnaire: Asked
    opens: date
    closes: date
    closed_early: bool
    modes: tuple[str, ...]
    units: tuple[UnitTarget, ...]
    strata: tuple[Stratum, ...]
    population: tuple[People, ...]
    sample: tuple[Cell, ...]
    epoch: int
    thresholds: Thresholds
    flags: Flags
    exclusion: tuple[ExclusionRule, ...]
    log: str
    kept_months: int
    licence: str
    responsible: Label
    contact: str

    @property
    def exclusions(self) -> dict[str, Label]:
        """Text of each rule by its code."""
        return {rule.code: Label(rule.zh, rule.en) for rule in self.exclusion}


class Logged(msgspec.Struct, frozen=True):
    """A manifest as it was logged."""

    day: date
    digest: str
    text: str
    reason: str

    @property
    def promise(self) -> Promise:
        return read_manifest(self.text)


def canonical(value: Any) -> str:
    """JSON in one spelling: keys sorted, no blanks, UTF-8.

    >>> canonical({"b": 1, "a": [True, "x"]})
    '{"a":[true,"x"],"b":1}'
    """
    return json.dumps(
        msgspec.to_builtins(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=4)  # one of a whole province has megabytes
def read_manifest(text: str) -> Promise:
    """A manifest from its text."""
    return msgspec.json.decode(text, type=Promise)


def strata_of(questionnaire: Questionnaire) -> tuple[Stratum, ...]:
    """The questions by which the sample is made to resemble the population."""
    return tuple(
        Stratum(f"s_{question.code}", tuple(choice.code for choice in question.choices))
        for question in questionnaire.questions
        if question.role == "stratum"
    )


@lru_cache(maxsize=64)
def flags_of(questionnaire: Questionnaire) -> Flags:
    """The rules that raise a flag, with their thresholds; conditions as they are written."""
    from evaluator.collection.quality_rules import registered as at_close  # it loads SciPy: a second of every start

    def plain(value: object) -> object:
        if isinstance(value, Expression):
            return value.source
        if isinstance(value, msgspec.Struct):
            return {name: plain(one) for name, one in msgspec.structs.asdict(value).items() if one is not None}
        if isinstance(value, tuple):
            return [plain(one) for one in value]
        return value

    found = plain(questionnaire.quality)
    assert isinstance(found, dict)
    return Flags({name: rule for name, rule in found.items() if rule}, at_close(questionnaire))


async def text_now(settings: Settings, campaign: int) -> str:
    """The manifest that the database stands for at this moment."""
    [row] = await Campaign.raw(
        "SELECT c.*, v.code AS q_code, v.version AS q_version, v.definition AS q_definition "
        "FROM campaign c JOIN questionnaire_version v ON v.id = c.questionnaire WHERE c.id = {}",
        campaign,
    )
    identifier = f"{row['q_code']}@{row['q_version']}"
    questionnaire = read(row["q_definition"], identifier)
    units = await CampaignUnit.select(CampaignUnit.unit, CampaignUnit.target).where(CampaignUnit.campaign == campaign)
    population = await PopulationCell.select().where(PopulationCell.campaign == campaign)
    sample = await SampleCell.select().where(SampleCell.campaign == campaign)
    rules = registered.of_row(row["rules"])
    modes = ["invitation", *["sign_in"] * bool(row["sign_in"]), *["open"] * bool(row["open_link"])]
    promise = Promise(
        campaign=row["code"],
        title=Label(row["title_zh"], row["title_en"]),
        questionnaire=Asked(identifier, digest_of(row["q_definition"])),
        opens=as_day(row["opens"]),
        closes=as_day(row["closes"]),
        closed_early=bool(row["closed_early"]),
        modes=tuple(modes),
        # sorted here: databases sort texts in their own ways
        units=tuple(sorted((UnitTarget(u["unit"], u["target"]) for u in units), key=lambda u: u.unit)),
        strata=strata_of(questionnaire),
        population=tuple(
            People(p["unit"], json.loads(p["strata"]), p["count"])
            for p in sorted(population, key=lambda p: (p["unit"], p["strata"]))
        ),
        sample=tuple(
            sorted(
                (Cell(*(s[name] for name in Cell.__struct_fields__)) for s in sample),
                key=lambda s: (s.unit, s.design_stratum, s.psu),
            )
        ),
        epoch=registered.EPOCH,
        thresholds=rules.thresholds,
        flags=flags_of(questionnaire),
        exclusion=tuple(sorted(rules.exclusion, key=lambda rule: rule.code)),
        log=signer(settings, campaign_log(row["code"])).vkey,
        kept_months=row["kept_months"],
        licence=LICENCE,
        responsible=Label(row["responsible_zh"], row["responsible_en"]),
        contact=row["contact"],
    )
    return canonical(promise)


def as_day(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)  # SQLite has texts


async def history(campaign: int) -> list[Logged]:
    """Every manifest that was logged, the first one first."""
    rows = await Manifest.select().where(Manifest.campaign == campaign).order_by(Manifest.id)
    return [Logged(as_day(row["day"]), row["digest"], row["text"], row["reason"]) for row in rows]


async def heads(campaign: int) -> list[tuple[str, date]]:
    """SHA-256 and day of every manifest that was logged, the first one first: without their texts, which are long."""
    rows = (
        await Manifest.select(Manifest.digest, Manifest.day).where(Manifest.campaign == campaign).order_by(Manifest.id)
    )
    return [(row["digest"], as_day(row["day"])) for row in rows]


async def latest(campaign: int) -> Logged | None:
    """The manifest that counts; None before the campaign was opened."""
    rows = await Manifest.select().where(Manifest.campaign == campaign).order_by(Manifest.id, ascending=False).limit(1)
    return Logged(as_day(rows[0]["day"]), rows[0]["digest"], rows[0]["text"], rows[0]["reason"]) if rows else None


async def exclusion_rules(campaign: int) -> dict[str, Label]:
    """The rules under which a response may be left out, as logged: none before the campaign was opened."""
    found = await latest(campaign)
    return {} if found is None else found.promise.exclusions


@contextlib.asynccontextmanager
async def changing(settings: Settings, campaign: int, day: date, reason: str) -> AsyncIterator[None]:
    """Change what a campaign's manifest says; of a campaign that was opened the new manifest is logged with it.

    Parameters
    ----------
    settings : Settings
        Whose log it is.
    campaign : int
        Its number in the database.
    day : date
        Today, in the site's time zone.
    reason : str
        Why, for everybody to read; a message of ours is translated when it is shown.
    """
    inside = database.engine().current_transaction.get() is not None
    async with Campaign._meta.db.transaction():
        await database.hold(Campaign, campaign)
        yield
        code = await log_manifest(settings, campaign, day, reason)
    if code is not None and not inside:  # otherwise whoever began the transaction: not before it is over
        await publish_log(settings, code)


async def log_manifest(settings: Settings, campaign: int, day: date, reason: str) -> str | None:
    """Log the manifest of a campaign that is no draft, if it says something else than the one before.

    The entry names the audit log's head as well: what that head holds was there before the first answer could come.
    Inside a transaction; `publish_log` after it.

    Returns
    -------
    str or None
        The code of the campaign whose log grew.
    """
    [row] = await Campaign.raw("SELECT code, stage FROM campaign WHERE id = {}", campaign)
    if row["stage"] == "draft":
        return None
    text, before = await text_now(settings, campaign), await latest(campaign)
    if before is not None and before.text == text:
        return None
    reason = reason[:LONGEST_REASON]
    promise = read_manifest(text)
    said = {
        "sha256": digest_of(text), "bytes": len(text.encode()), "opens": promise.opens.isoformat(),
        "closes": promise.closes.isoformat(), "questionnaire": msgspec.to_builtins(promise.questionnaire),
    }  # fmt: skip
    changed = ({"replaces": before.digest} if before is not None else {}) | ({"reason": reason} if reason else {})
    audit = await head(AUDIT)
    known = {"audit": {"size": audit.size, "root": audit.root.hex()}} if audit is not None else {}
    leaf = entry("manifest", campaign=row["code"], manifest=said, **changed, **known)
    await append(settings, campaign_log(row["code"]), [leaf])
    await Manifest(campaign=campaign, day=day, digest=said["sha256"], text=text, reason=reason).save()
    return str(row["code"])


async def publish_log(settings: Settings, code: str) -> None:
    """Bring the public files of a campaign's log up to it."""
    await publish_after(settings, campaign_log(code))


async def publish_after(settings: Settings, log_name: str) -> None:
    """Bring a log's files up to it after a commit; what cannot be written now, the server writes later."""
    try:
        await publish(settings, log_name)
    except OSError as error:
        log.warning("the log %s could not be published: %s", log_name, error)


async def differences(settings: Settings, campaign: int, code: str) -> list[str]:
    """What does not fit together among what was logged, what is kept and what the database says now: a line each.

    Parameters
    ----------
    campaign, code
        Number and code of the campaign.
    """
    found = await history(campaign)
    if not found:
        [row] = await Campaign.raw("SELECT stage FROM campaign WHERE id = {}", campaign)
        if row["stage"] == "draft":
            return ["no manifest was logged: a draft is logged when it is opened"]
        return ["no manifest was logged: it was made before there were any; the next change logs one, with its reason"]
    wrong = [
        f"the manifest of {one.day} is not the one that was logged: its SHA-256 is {digest_of(one.text)}, "
        f"logged was {one.digest}"
        for one in found
        if digest_of(one.text) != one.digest
    ]
    leaves = await LogLeaf.raw(
        "SELECT entry FROM log_leaf WHERE log = {} AND entry LIKE {} ORDER BY position",
        campaign_log(code), '%"kind":"manifest"%',
    )  # fmt: skip
    logged = [json.loads(leaf["entry"]) for leaf in leaves]
    digests = [one["manifest"]["sha256"] for one in logged if one["kind"] == "manifest"]
    if digests != [one.digest for one in found]:
        wrong.append(f"the log has {len(digests)} manifests, the database {len(found)}, or in another order")
    if found[-1].text != (now := await text_now(settings, campaign)):
        before, after = json.loads(found[-1].text), json.loads(now)
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        wrong.append(
            f"the database says something else than the manifest of {found[-1].day} about: {', '.join(names)}; "
            "put it back, or change it by a command, which logs a new manifest"
        )
    return wrong

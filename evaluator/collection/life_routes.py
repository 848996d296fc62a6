"""A campaign's life and its manifest: for operators the decisions, each with a page that says what will happen; for
everybody the manifest as it was logged, and every one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.collection import manifest, manifest_words, stages
from evaluator.collection.campaigns import LiveCampaign, State, right_now, state, today
from evaluator.collection.said import of_questionnaire
from evaluator.collection.stages import Deed
from evaluator.problems import forbidden, not_found
from evaluator.units.tree import subtree

Ask = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
DEEDS = "/campaigns/{campaign:str}/"


def _(message: str) -> str:
    return message


REMEMBERED = 64  # manifests in words
_told: dict[tuple[int, int, tuple[str, ...], str], Told] = {}


class Life(msgspec.Struct, frozen=True):
    """Where a campaign stands, and what its operator can decide today."""

    state: State
    deeds: Sequence[Deed]
    promised: str  # SHA-256 of the manifest; "": a draft
    done: str  # what was decided a moment ago, or ""
    decides: bool  # whether this account may decide about all its units


class Told(msgspec.Struct, frozen=True):
    """A manifest in words."""

    digest: str
    lines: Sequence[manifest_words.Line]
    exclusions: Sequence[tuple[str, str]]  # code and text
    flags: Sequence[str]
    history: Sequence[manifest_words.Step]


async def life(request: Ask, campaign: LiveCampaign) -> Life:
    """Where a campaign stands, for its operator's page."""
    now, zone = right_now(), request.app.state.settings.zone
    deeds = stages.possible(_row(campaign), today(now, zone))
    done = str(request.query_params.get("done", ""))
    heads = await manifest.heads(campaign.id)
    decides = await _decides(request, campaign)
    return Life(state(campaign, now, zone), deeds, heads[-1][0] if heads else "", done, decides)


def _row(campaign: LiveCampaign) -> Mapping[str, Any]:
    return {
        "code": campaign.code, "stage": campaign.stage, "closed_early": campaign.closed_early,
        "opens": campaign.opens, "closes": campaign.closes,
    }  # fmt: skip


async def told(campaign: LiveCampaign) -> Told | None:
    """What was logged of a campaign, in words; None when nothing was. Texts of megabytes are read and compared once."""
    heads = tuple(digest for digest, _day in await manifest.heads(campaign.id))
    if not heads:
        return None
    key = (campaign.id, campaign.version, heads, language.current.get())
    if key not in _told:
        logged = await manifest.history(campaign.id)
        if len(_told) >= REMEMBERED:
            _told.clear()
        _told[key] = in_words(campaign, logged[-1].text, logged)
    return _told[key]


def in_words(campaign: LiveCampaign, text: str, logged: Sequence[manifest.Logged] = ()) -> Told:
    """A manifest in words, in the language of this request."""
    promise = manifest.read_manifest(text)
    return Told(
        manifest.digest_of(text),
        manifest_words.lines(promise, campaign.questionnaire),
        manifest_words.exclusions(promise),
        [
            *manifest_words.answer_rules(campaign.questionnaire, of_questionnaire()),
            *manifest_words.close_rules(promise),
        ],
        manifest_words.history(logged),
    )


# --- for everybody


@get(["/notice/{campaign:str}/manifest.json", "/notice/{campaign:str}/manifests/{name:str}"])
async def manifest_file(request: Ask, campaign: FromPath[str]) -> Response[bytes]:
    """A manifest, byte for byte as its SHA-256 was logged: the newest, or one of before by its SHA-256."""
    found: LiveCampaign = await request.app.state.campaigns.shown(campaign)
    name = request.path_params.get("name")
    if name is None:
        logged = await manifest.latest(found.id)
    else:
        digest = str(name).removesuffix(".json")
        logged = next((one for one in await manifest.history(found.id) if one.digest == digest), None)
    if logged is None:
        raise not_found("manifest.json")
    file_name = f"manifest-{found.code}-{logged.digest[:12]}.json"
    return pages.data_response(request, logged.text.encode(), "application/json", file_name=file_name)


# --- for operators


async def _decides(request: Ask, campaign: LiveCampaign) -> bool:
    within = request.scope["state"]["account"].unit
    return within is None or campaign.units.keys() <= set(await subtree(within))


async def to_decide(request: Ask, code: str) -> LiveCampaign:
    """The campaign as it is in the database, for an operator who may decide about all its units."""
    memory = request.app.state.campaigns
    found: LiveCampaign = await memory.anew(await memory.get(code))
    if not await _decides(request, found):
        raise forbidden(_("This campaign asks about units outside what your account may see."))
    return found


def _deed(request: Ask) -> Deed:
    deed: Deed = request.scope["path"].rsplit("/", 1)[-1]
    return deed


@get([DEEDS + deed for deed in stages.DEEDS], opt=OPERATOR)
async def ask(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """What a decision would do, and the question whether to."""
    found = await to_decide(request, campaign)
    return await _asking(request, found)


async def _asking(request: Ask, found: LiveCampaign, *, changed: bool = False) -> Response[Any]:
    settings, deed = request.app.state.settings, _deed(request)
    stages.refusing(deed, _row(found), today(right_now(), settings.zone))
    text = await manifest.text_now(settings, found.id)
    return pages.page(
        request, "collection/deed.html", status=409 if changed else 200, campaign=found, deed=deed, changed=changed,
        told=in_words(found, text) if deed == "open" else None, digest=manifest.digest_of(text),
        day=today(right_now(), settings.zone), simulated=found.simulated,
    )  # fmt: skip


@post([DEEDS + deed for deed in stages.DEEDS], opt=OPERATOR)
async def decide(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """Open, pause, resume or close early."""
    found = await to_decide(request, campaign)
    settings, deed = request.app.state.settings, _deed(request)
    form = await request.form()
    if deed == "open" and form.get("digest") != manifest.digest_of(await manifest.text_now(settings, found.id)):
        return await _asking(request, found, changed=True)  # what is promised is what was looked at
    account = request.scope["state"]["account"]
    day = today(right_now(), settings.zone)
    await stages.do(settings, found.code, deed, day, by=f"{account.role} {account.id}")
    await request.app.state.campaigns.anew(found)
    return pages.redirect(f"/staff/campaigns/{found.code}?done={deed}")


@get("/campaigns/{campaign:str}/manifest", opt=OPERATOR)
async def staff_manifest(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """What a campaign promises, and whether the database still says it; of a draft what it would promise."""
    found = await to_decide(request, campaign)
    settings = request.app.state.settings
    logged = await manifest.history(found.id)
    text = logged[-1].text if logged else await manifest.text_now(settings, found.id)
    return pages.page(
        request, "collection/staff_manifest.html", campaign=found, told=in_words(found, text, logged),
        logged=bool(logged), wrong=await manifest.differences(settings, found.id, found.code) if logged else [],
        simulated=found.simulated,
    )  # fmt: skip


public: list[Any] = [manifest_file]
staff: list[Any] = [ask, decide, staff_manifest]

"""Changing a campaign on the site: a form of what may change, a page that says what will be logged, and the change."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import pages, security
from evaluator.collection import amending, manifest, manifest_words
from evaluator.collection.amending import Changes, Standing, amend, preview
from evaluator.collection.campaigns import MOST_WANTED, LiveCampaign, right_now, today
from evaluator.collection.counts import read_targets
from evaluator.collection.labels import Label
from evaluator.collection.life_routes import to_decide
from evaluator.collection.rules import Rules, read_rules
from evaluator.language import gettext
from evaluator.problems import FieldProblem, Problem, forbidden
from evaluator.sent_forms import upload_in
from evaluator.spreadsheets.cells import parse_date
from evaluator.spreadsheets.findings import Refused
from evaluator.units.codes import canonical_code
from evaluator.units.tree import subtree

Ask = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
LONGEST = 100_000  # characters of a list of units
SHOWN = 50  # mistakes
FIELDS = (
    "opens", "closes", "title-zh", "title-en", "responsible-zh", "responsible-en", "contact", "kept-months", "target",
    "targets", "units", "without", "open-link", "sign-in", "rules", "reason",
)  # fmt: skip


def _(message: str) -> str:
    return message


def _today(request: Ask) -> date:
    return today(right_now(), request.app.state.settings.zone)


def _standing(request: Ask, campaign: LiveCampaign) -> Standing:
    return amending.standing(
        campaign.stage, campaign.opens, campaign.closes, campaign.closed_early, _today(request)
    )  # fmt: skip


def _now(campaign: LiveCampaign) -> dict[str, str]:
    """The form as the campaign stands."""
    targets = {campaign.targets.get(unit, 0) for unit in campaign.units}
    return {
        "opens": campaign.opens.isoformat(), "closes": campaign.closes.isoformat(), "title-zh": campaign.title.zh,
        "title-en": campaign.title.en, "responsible-zh": campaign.responsible.zh,
        "responsible-en": campaign.responsible.en, "contact": campaign.contact,
        "kept-months": str(campaign.kept_months), "open-link": "yes" * campaign.open_link,
        "sign-in": "yes" * campaign.sign_in, "target": str(targets.pop() or "") if len(targets) == 1 else "",
    }  # fmt: skip


@get("/campaigns/{campaign:str}/change", opt=OPERATOR)
async def change_form(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """What may be changed, as it stands."""
    found = await to_decide(request, campaign)
    return _form(request, found, _now(found), [])


def _form(
    request: Ask, campaign: LiveCampaign, asked: Mapping[str, str], wrong: Sequence[FieldProblem]
) -> Response[Any]:  # fmt: skip
    at = {name: number for number, name in enumerate(FIELDS)}
    wrong = sorted(wrong, key=lambda one: at.get(one.pointer, -1))[:SHOWN]
    how = _standing(request, campaign)
    return pages.page(
        request, "collection/change.html", status=422 if wrong else 200, campaign=campaign, asked=asked, errors=wrong,
        error_of={one.pointer: one.detail for one in wrong},
        may={name: how.may(name) for name in Changes.__struct_fields__}, how=how,
        accounts=bool(request.app.state.settings.oidc_issuer), longest=manifest.LONGEST_REASON,
        simulated=campaign.simulated,
    )  # fmt: skip


@post("/campaigns/{campaign:str}/change", opt=OPERATOR)
async def look(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """What would change and be logged; or everything that stands against it."""
    found = await to_decide(request, campaign)
    form = await request.form()
    asked = {
        name: value.replace("\x00", "").replace("\r\n", "\n").strip()[:LONGEST]
        for name in FIELDS
        if isinstance(value := form.get(name), str)
    }
    reading = _Reading(found, asked, _standing(request, found))
    targets, rules = await upload_in(form, "targets"), await upload_in(form, "rules")
    changes = await reading.changes(targets.content, rules.content, request.scope["state"]["account"].unit)
    if reading.wrong:
        return _form(request, found, asked, reading.wrong)
    return await _looking(request, found, changes, asked)


class _Reading:
    """A form as it was sent, read into the changes that it asks for."""

    def __init__(self, campaign: LiveCampaign, asked: Mapping[str, str], how: Standing) -> None:
        self.campaign, self.asked, self.how = campaign, asked, how
        self.now = _now(campaign)
        self.wrong: list[FieldProblem] = []

    def _say(self, pointer: str, message: str, **values: object) -> None:
        self.wrong.append(FieldProblem(pointer, gettext(message) % values))

    def _differs(self, name: str) -> bool:
        return name in self.asked and self.asked[name] != self.now.get(name, "")

    def _day(self, name: str) -> date | None:
        if not (self.how.may(name) and self._differs(name)):
            return None
        day = parse_date(self.asked[name])
        if isinstance(day, date):
            return day if day.isoformat() != self.now[name] else None
        self._say(name, _("Write a day as 2026-01-31."))
        return None

    def _whole(self, name: str, low: int, high: int) -> int | None:
        text = self.asked[name]
        if text.isascii() and text.isdigit() and len(text) < 9 and low <= int(text) <= high:
            return int(text)
        self._say(name, _("Write a whole number, %(low)s to %(high)s."), low=low, high=f"{high:,}")
        return None

    def _label(self, name: str) -> Label | None:
        zh, en = f"{name}-zh", f"{name}-en"
        return Label(self.asked[zh], self.asked[en]) if self._differs(zh) or self._differs(en) else None

    def _tick(self, name: str, now: bool) -> bool | None:
        ticked = self.asked.get(name) == "yes"
        return None if ticked == now or not self.how.may(name.replace("-", "_")) else ticked

    def _codes(self, name: str) -> tuple[str, ...]:
        words = re.split(r"[\s,;\uff0c\uff1b\u3001]+", self.asked.get(name, ""))
        return tuple(dict.fromkeys(canonical_code(word[:32]) for word in words if word))

    def _rules(self, content: bytes) -> Rules | None:
        if not content:
            return None
        try:
            return read_rules(content.decode("utf-8-sig", errors="replace"))
        except Problem as problem:
            self.wrong += [FieldProblem("rules", f"{e.pointer}: {e.said()}") for e in problem.errors]
            return None

    async def changes(self, targets: bytes, rules: bytes, within: str | None) -> Changes:
        """What is asked for; what cannot be read is in `wrong`."""
        more, fewer = self._codes("units"), self._codes("without")
        if within is not None and more and not set(more) <= set(await subtree(within)):
            self._say("units", _("A unit is outside what your account may see."))
        units = [unit for unit in dict.fromkeys((*self.campaign.units, *more)) if unit not in fewer]
        months = self._whole("kept-months", 1, 240) if self._differs("kept-months") else None
        return Changes(
            title=self._label("title"), responsible=self._label("responsible"),
            contact=self.asked["contact"] if self._differs("contact") else None,
            opens=self._day("opens"), closes=self._day("closes"), kept_months=months,
            open_link=self._tick("open-link", self.campaign.open_link),
            sign_in=self._tick("sign-in", self.campaign.sign_in), rules=self._rules(rules),
            targets=await self._targets(targets, units), more_units=more, fewer_units=fewer,
        )  # fmt: skip

    async def _targets(self, content: bytes, units: Sequence[str]) -> dict[str, int]:
        """Those that differ from what is wanted now."""
        found: dict[str, int] = {}
        if self._differs("target") and (each := self._whole("target", 0, MOST_WANTED)) is not None:
            found = dict.fromkeys(units, each)
        try:
            found |= await asyncio.to_thread(read_targets, content, units) if content else {}
        except Refused as refused:
            for one in refused.findings:
                place = gettext(_("row %(row)s, column %(column)s")) % {"row": one.row, "column": one.column}
                said = f"{place}: {one.value} {one.why(gettext)}; {one.what_would_be_right(gettext)}"
                self.wrong.append(FieldProblem("targets", said))
        return {unit: n for unit, n in found.items() if n != self.campaign.targets.get(unit, 0)}


async def _looking(
    request: Ask, campaign: LiveCampaign, changes: Changes, asked: Mapping[str, str], *, changed: bool = False
) -> Response[Any]:  # fmt: skip
    """The page that says what will be logged."""
    settings, reason = request.app.state.settings, asked.get("reason", "")
    try:
        text = await preview(settings, campaign.code, changes, _today(request), reason)
    except Problem as problem:
        if not problem.errors:
            raise
        where = {"campaign": "opens" if _standing(request, campaign).may("opens") else "contact"}
        wrong = [FieldProblem(where.get(e.pointer, e.pointer), e.said()) for e in problem.errors]
        return _form(request, campaign, asked, wrong)
    now = await manifest.text_now(settings, campaign.id)
    differences = manifest_words.differences(manifest.read_manifest(now), manifest.read_manifest(text))
    sealed = msgspec.json.encode(changes).decode()
    return pages.page(
        request, "collection/change_sure.html", status=409 if changed else 200, campaign=campaign, reason=reason,
        differences=differences, digest=manifest.digest_of(text), changes=sealed, changed=changed,
        signature=_signature(request, campaign, sealed), how=_standing(request, campaign), simulated=campaign.simulated,
    )  # fmt: skip


def _signature(request: Ask, campaign: LiveCampaign, changes: str) -> str:
    csrf = request.scope["state"]["csrf"]
    return security.signature(request.app.state.secret, "change", f"{csrf} {campaign.code} {changes}")


@post("/campaigns/{campaign:str}/change/done", opt=OPERATOR)
async def change(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """Change what was looked at, if it would still lead to the manifest that was shown."""
    found = await to_decide(request, campaign)
    form = await request.form()
    text, reason = str(form.get("changes", "")), str(form.get("reason", "")).replace("\x00", "").strip()
    if not hmac.compare_digest(_signature(request, found, text).encode(), str(form.get("signature", "")).encode()):
        raise forbidden(_("The form is too old or came from elsewhere. Go back, reload the page and send it again."))
    settings, account = request.app.state.settings, request.scope["state"]["account"]
    changes = msgspec.json.decode(text, type=Changes)
    after = await preview(settings, found.code, changes, _today(request), reason)
    if form.get("digest") != manifest.digest_of(after):
        return await _looking(request, found, changes, {"reason": reason}, changed=True)
    await amend(settings, found.code, changes, _today(request), reason, by=f"{account.role} {account.id}")
    await request.app.state.campaigns.anew(found)
    return pages.redirect(f"/staff/campaigns/{found.code}?done=changed")


staff: list[Any] = [change_form, look, change]

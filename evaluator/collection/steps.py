"""A step of the form: what was sent is kept under the visitor's key, and shown at an address that can be gone back to.

A browser that holds no cookie gets the same pages as answers to its forms, which carry all answers in hidden fields;
with a cookie every step is a page of its own, so that Back, reloading and coming back later lose nothing.
"""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import msgspec
from litestar import Request, Response

from evaluator import language, pages
from evaluator.collection import drafts, earlier, form, live, moving, receipt_pages, screens, sending
from evaluator.collection.behind import refuse_behind
from evaluator.collection.campaigns import LiveCampaign, check_open, closes_at, right_now, state
from evaluator.collection.drafts import Draft
from evaluator.collection.first_screen import FirstScreens
from evaluator.collection.screen_counts import BEGIN
from evaluator.database import DatabaseError
from evaluator.problems import Problem
from questionnaires.evaluation import Context
from questionnaires.recompute import recompute

Ask = Request[Any, Any, Any]
UNSTORED = {"Cache-Control": "no-store"}


def _(message: str) -> str:
    return message


async def campaign_and_unit(request: Ask, campaign: str, unit: str) -> LiveCampaign:
    """The campaign of an address. Raises a 404 Problem when there is none, or when it does not ask about the unit."""
    found: LiveCampaign = await request.app.state.campaigns.shown(campaign)
    if unit not in found.units:
        raise Problem(404, _("Not in this survey"), _("This survey does not ask about “%(unit)s”."), unit=unit[:40])
    return found


async def form_of(
    request: Ask, campaign: str, unit: str, mode: Literal["open", "sign_in"]
) -> tuple[LiveCampaign, form.Visit, form.Sent]:
    """What was sent to an address with campaign and unit, where people answer in this mode.

    Raises
    ------
    Problem
        404 for an address of nothing; 400 for a form that is not of this address, or in a mode that is not offered.
    """
    found = await campaign_and_unit(request, campaign, unit)
    sent = form.read_form(await request.body())
    visit = form.read_visit(request.app.state.secret, sent.visit)
    ours = visit.campaign == found.id and visit.unit == unit and form.mode(visit) == mode
    if not ours or not sending.offers(found, mode):
        raise form.tampered()
    return found, visit, sent


async def draft_of(request: Ask, campaign: LiveCampaign) -> Draft | None:
    """What this browser has begun in a campaign."""
    found = await drafts.find(drafts.read_key(request.cookies))
    return found[1] if found is not None and found[0] == campaign.id else None


def expressions(request: Ask, campaign: LiveCampaign, visit: form.Visit) -> Context:
    """What the questionnaire's expressions may know of this visit, now."""
    return screens.context(campaign, visit, right_now(), request.app.state.settings.zone)


def key_header(request: Ask, path: str, days: int = drafts.LONGEST_DAYS) -> dict[str, str]:
    """Hand the browser a key, unless it has one."""
    if drafts.read_key(request.cookies) is not None:
        return {}
    return {
        "Set-Cookie": drafts.cookie(drafts.new_key(), path, days=days, secure=request.app.state.settings.secure_cookies)
    }


def form_page(
    request: Ask,
    campaign: LiveCampaign,
    visit: form.Visit,
    shown: form.Shown,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    paused: bool = False,
) -> Response[str]:
    """A screen of the form, or its review; of a campaign that is paused with a word about that."""
    address, _path = sending.addresses(campaign, visit)
    mode = form.mode(visit)
    carried, behind = screens.carried(shown, shown.answers)
    context = {
        "campaign": campaign,
        "unit": campaign.units[visit.unit],
        "mode": mode,
        "action": address,
        "send_action": sending.send_address(campaign, visit),
        "visit": form.sign_visit(request.app.state.secret, earlier.of_present(campaign, visit)),
        "carried": carried,
        "cleared": screens.cleared(campaign, visit, shown),
        "reviewing": shown.reviewing,
        "seen": " ".join(shown.seen),
        "runs": shown.runs,
        "simulated": campaign.simulated,
        "paused": paused,
        "kept": drafts.read_key(request.cookies) is not None,
    }
    headers = {**UNSTORED, **(headers or {})}
    if shown.screen is None:
        return pages.page(
            request, "collection/review.html", status=status, headers=headers,
            parts=screens.review(campaign, visit, shown), **context,
        )  # fmt: skip
    at, of = moving.progress(shown)
    here = screens.head(campaign, visit, shown)
    fields, rest = screens.nodes(campaign, visit, shown), screens.nodes(campaign, visit, shown, rest=True)
    return pages.page(
        request, "collection/screen.html", status=status, headers=headers, screen=shown.screen.code, at=at, of=of,
        done=shown.screens.index(shown.screen) + 1, most=len(shown.screens), first=shown.screen is shown.screens[0],
        minutes=screens.minutes(campaign.questionnaire), title=here.title, note=here.note, fields=fields, rest=rest,
        wide=screens.has_table(fields) or screens.has_table(rest), behind=behind,
        errors=[field for field in screens.every_field((*fields, *rest)) if field.error],
        live=live.block(live.data(campaign, visit, shown, shown.answers, shown.context, shown.rest)),
        form_script=pages.form_script(), **context,
    )  # fmt: skip


async def begin(request: Ask, campaign: LiveCampaign, visit: form.Visit) -> Response[Any]:
    """The first screen at an address of its own, and a key to hold; of an open link nothing is kept yet.

    Who comes with a code has sent a form for it, and Back must not lead to that: the way is kept from here on.
    """
    await refuse_behind(request, campaign)
    address, path = sending.addresses(campaign, visit)
    if visit.code_hash is None:
        days = (closes_at(campaign, request.app.state.settings.zone) - right_now()).days + 1
        headers = key_header(request, path, days)
        if "step" not in request.query_params:
            _count(request, campaign, BEGIN)
            return pages.redirect(f"{address}?step=1", headers)
        return _first(request, campaign, visit, headers)
    _count(request, campaign, BEGIN)
    shown = moving.at_first(campaign.questionnaire, expressions(request, campaign, visit))
    return await _show(request, campaign, visit, shown, form.Sent("", "", "", False, shown.answers))


def _first(request: Ask, campaign: LiveCampaign, visit: form.Visit, headers: dict[str, str]) -> Response[str]:
    """The first screen: as it was rendered for others, where it is the same for everybody."""
    screens_kept: FirstScreens = request.app.state.first_screens
    visit = earlier.of_present(campaign, visit)
    signed = form.sign_visit(request.app.state.secret, visit)
    kept = drafts.read_key(request.cookies) is not None
    asked = (request.scope["path"], language.current.get(), kept)
    plain = request.scope["query_string"] == b"step=1" and not campaign.trial  # no address of somebody's own making
    key = screens_kept.key(campaign, visit, *asked) if plain else None
    html = None if key is None else screens_kept.find(key, campaign, signed)
    if html is not None:
        return pages.html_response(html, headers={**UNSTORED, **headers})
    shown = moving.at_first(campaign.questionnaire, expressions(request, campaign, visit))
    response = form_page(request, campaign, visit, shown, headers=headers)
    if key is not None:
        screens_kept.keep(key, campaign, signed, response.content)
    return response


def _count(request: Ask, campaign: LiveCampaign, *screens: str) -> None:
    if not campaign.trial:
        request.app.state.screen_counts.add(campaign.id, *screens)


async def keep_first(request: Ask, campaign: LiveCampaign, visit: form.Visit, key: bytes) -> None:
    """Keep the first screen under a key that the browser does not send yet: it gets it with this answer."""
    shown = moving.at_first(campaign.questionnaire, expressions(request, campaign, visit))
    signed = form.sign_visit(request.app.state.secret, earlier.of_present(campaign, visit))
    code = shown.screen.code if shown.screen else form.REVIEW
    _count(request, campaign, BEGIN)
    await drafts.save(key, campaign.id, Draft(signed, shown.answers, (code,)))


async def kept(request: Ask, campaign: LiveCampaign, draft: Draft) -> Response[Any]:
    """A step of a draft: the one that the address names, else the question whether to go on or to start over."""
    visit = form.read_visit(request.app.state.secret, draft.visit)
    campaign = await _as_now(request, campaign, visit)
    check_open(campaign, right_now(), request.app.state.settings.zone, form.started(visit))
    address, _path = sending.addresses(campaign, visit)
    number = str(request.query_params.get("step", ""))
    last = len(draft.trail)
    if not (number.isascii() and number.isdigit() and len(number) < 4 and 1 <= int(number) <= last):
        return pages.page(
            request, "collection/resume.html", headers={"Cache-Control": "no-store"}, campaign=campaign,
            unit=campaign.units[visit.unit], address=address, step=last, forget=f"{address}/forget",
            simulated=campaign.simulated,
        )  # fmt: skip
    step, old = int(number), earlier.version_of(campaign, visit)
    code, seen = draft.trail[step - 1], draft.seen
    if old is not None:
        seen = earlier.seen_now(old, campaign.questionnaire, seen, frozenset())
        code = earlier.screen_now(old, campaign.questionnaire, code) or earlier.unseen(campaign.questionnaire, seen)
    shown = moving.at_screen(
        campaign.questionnaire, draft.answers, code, expressions(request, campaign, visit),
        reviewing=draft.reviewing, seen=seen, tell=draft.told and step == last, runs=draft.runs,
        cleared=draft.cleared if step == last else (),
    )  # fmt: skip
    return form_page(request, campaign, visit, shown)


async def _show(
    request: Ask,
    campaign: LiveCampaign,
    visit: form.Visit,
    shown: form.Shown,
    sent: form.Sent,
    *,
    headers: dict[str, str] | None = None,
    fragment: str = "",
) -> Response[Any]:
    """Keep the step and lead to it; where it cannot be kept, show it at once: no answer is lost."""
    key = drafts.read_key(request.cookies)
    if key is not None:
        try:
            found = await drafts.find(key)
            before = found[1] if found and found[0] == campaign.id else None
            trail = _trail(request, campaign, before) if before else (sent.at,) if sent.at else ()
            draft = Draft(
                form.sign_visit(request.app.state.secret, earlier.of_present(campaign, visit)),
                shown.answers,
                (*trail, shown.screen.code if shown.screen else form.REVIEW),
                shown.reviewing,
                shown.seen,
                bool(shown.problems),
                sent.runs,
                shown.cleared,
            )
            if await drafts.save(key, campaign.id, draft):
                address, _path = sending.addresses(campaign, visit)
                return pages.redirect(f"{address}?step={len(draft.trail)}{fragment}", headers)
        except DatabaseError:
            pass  # the page carries the answers itself
    status = 422 if shown.problems else 200
    return form_page(request, campaign, visit, shown, status=status, headers=headers)


async def _as_now(request: Ask, campaign: LiveCampaign, visit: form.Visit) -> LiveCampaign:
    """The campaign, read anew when the page is of a version that only another process knows of yet."""
    await refuse_behind(request, campaign)
    if earlier.is_known(campaign, visit):
        return campaign
    found: LiveCampaign = await request.app.state.campaigns.anew(campaign)
    return found


def _trail(request: Ask, campaign: LiveCampaign, draft: Draft) -> tuple[str, ...]:
    """The screens shown so far, as the present version calls them."""
    old = earlier.version_of(campaign, form.read_visit(request.app.state.secret, draft.visit))
    if old is None:
        return draft.trail
    return tuple(earlier.screen_now(old, campaign.questionnaire, code) for code in draft.trail)


async def step(request: Ask, campaign: LiveCampaign, visit: form.Visit, sent: form.Sent) -> Response[Any]:
    """The next screen; or nothing but the keeping of what was answered so far, when a script asks for that."""
    campaign = await _as_now(request, campaign, visit)
    paused = _is_paused(request, campaign)
    if not paused:
        check_open(campaign, right_now(), request.app.state.settings.zone, form.started(visit))
    if sent.to == "save":
        await _keep(request, campaign, visit, sent)
        return Response(b"", status_code=204, media_type="text/plain")
    headers = {}
    what, _colon, wanted = sent.to.partition(":")
    if what == "language":
        if wanted not in language.LANGUAGES:
            raise form.tampered()
        language.current.set(wanted)
        secure = "; Secure" if request.app.state.settings.secure_cookies else ""
        headers["Set-Cookie"] = f"{language.COOKIE}={wanted}; Path=/; Max-Age=31536000; SameSite=Lax{secure}"
    if paused:
        return await _held(request, campaign, visit, sent, headers)
    shown, sent = _moved(campaign, visit, sent, expressions(request, campaign, visit))
    _count(request, campaign, *(screen for screen in shown.seen if screen not in sent.seen))
    fragment = f"#{form.ANSWER}{wanted}" if what == "change" else ""
    return await _show(request, campaign, visit, shown, sent, headers=headers, fragment=fragment)


def _is_paused(request: Ask, campaign: LiveCampaign) -> bool:
    return state(campaign, right_now(), request.app.state.settings.zone) == "paused"


async def _held(
    request: Ask, campaign: LiveCampaign, visit: form.Visit, sent: form.Sent, headers: dict[str, str] | None = None
) -> Response[Any]:
    """The same screen again while the campaign is paused: it holds every answer, and what can be kept is kept."""
    await _keep(request, campaign, visit, sent)
    if (old := earlier.version_of(campaign, visit)) is not None:
        sent = earlier.sent_now(old, campaign.questionnaire, sent)
    shown = moving.at_screen(
        campaign.questionnaire, sent.answers, sent.at or form.REVIEW, expressions(request, campaign, visit),
        reviewing=sent.reviewing, seen=sent.seen, tell=False, runs=sent.runs,
    )  # fmt: skip
    return form_page(request, campaign, visit, shown, status=403, headers=headers, paused=True)


def _moved(
    campaign: LiveCampaign, visit: form.Visit, sent: form.Sent, context: Context
) -> tuple[form.Shown, form.Sent]:
    """What to show next, and what was sent in the terms of the present version."""
    old = earlier.version_of(campaign, visit)
    if old is None:
        return moving.move(campaign.questionnaire, sent, context), sent
    moving.check_fields(old, sent.answers)
    asked = moving.on_page(old, sent.at, script=sent.script)
    if not asked and sent.at != form.REVIEW:
        raise form.tampered()
    now = earlier.sent_now(old, campaign.questionnaire, sent)
    if not now.at or (asked and now.to == moving.NEXT):
        return moving.onwards(campaign.questionnaire, now, asked, context), now
    return moving.move(campaign.questionnaire, now, context), now


async def _keep(request: Ask, campaign: LiveCampaign, visit: form.Visit, sent: form.Sent) -> None:
    """Keep the answers of a screen that is not finished: nothing is checked, and no step is made of it.

    Only those of this screen: it may overtake, or be overtaken by, the form itself.
    """
    drawn_from = earlier.version_of(campaign, visit) or campaign.questionnaire
    moving.check_fields(drawn_from, sent.answers)
    asked = moving.on_page(drawn_from, sent.at, script=sent.script)
    if not asked and sent.at != form.REVIEW:
        raise form.tampered()
    key = drafts.read_key(request.cookies)
    if key is None:
        return

    def changed(kept_for: int, draft: Draft) -> Draft | None:
        if kept_for != campaign.id:
            return None
        others = {code: values for code, values in draft.answers.items() if code not in asked}
        here = {code: values for code, values in sent.answers.items() if code in asked}
        return msgspec.structs.replace(draft, answers={**others, **here})

    with contextlib.suppress(DatabaseError):  # the page carries the answers itself
        if await drafts.amend(key, changed):
            return
        if visit.code_hash is None and asked:  # of an open link nothing is kept before the first answer
            await drafts.save(
                key, campaign.id,
                Draft(sent.visit, sent.answers, (sent.at,), sent.reviewing, sent.seen, runs=sent.runs),
                replacing=False,
            )  # fmt: skip


async def send(request: Ask, campaign: LiveCampaign, visit: form.Visit, sent: form.Sent) -> Response[Any]:
    """Accept, store, and say so only when it is on disk."""
    campaign = await _as_now(request, campaign, visit)
    if _is_paused(request, campaign):
        return await _held(request, campaign, visit, sent)
    if (old := earlier.version_of(campaign, visit)) is not None:
        moving.check_fields(old, sent.answers)
        sent = earlier.sent_now(old, campaign.questionnaire, sent)
    now, zone = right_now(), request.app.state.settings.zone
    check_open(campaign, now, zone, form.started(visit))
    context = expressions(request, campaign, visit)
    moving.check_fields(campaign.questionnaire, sent.answers)
    state = recompute(campaign.questionnaire, sent.answers, context)
    if state.problems or state.cleared:  # otherwise there is no screen to go back to
        shown = moving.first_problem(campaign.questionnaire, sent, context)
        if shown is not None:
            return await _show(request, campaign, visit, shown, sent)
    if not sending.answers_something(campaign.questionnaire, state):
        raise Problem(
            422, _("Nothing was answered"), _("Go back and answer at least one question; then send the form again.")
        )
    key = drafts.read_key(request.cookies)
    slip = await sending.stored(request.app.state, campaign, visit, state, now, key)
    if slip is None:
        raise already_counted(form.mode(visit))
    headers = _key_away(request, sending.addresses(campaign, visit)[1]) if key is not None else {}
    return await receipt_pages.after_sending(request, slip, cookies=key is not None, headers=headers)


async def forget(request: Ask, path: str) -> dict[str, str]:
    """Delete the draft, if there is one, and take the key from the browser."""
    key = drafts.read_key(request.cookies)
    if key is None:
        return {}
    with contextlib.suppress(DatabaseError):  # sealed, and its only key goes now; it is deleted at the close
        await drafts.forget(key)
    return _key_away(request, path)


def _key_away(request: Ask, path: str) -> dict[str, str]:
    return {"Set-Cookie": drafts.cookie("", path, days=0, secure=request.app.state.settings.secure_cookies)}


def already_counted(mode: form.Mode = "invitation") -> Problem:
    if mode == "sign_in":
        return Problem(
            409, _("This account was already counted"),
            _("An answer on this office is stored for your account; it counts once and cannot be changed or shown."),
        )  # fmt: skip
    if mode == "open":
        return Problem(
            409, _("This form was sent before"),
            _("Its answers are stored and count once; what you changed since then is not. To answer as another person "
              "or on another office, open the survey again from its address."),
        )  # fmt: skip
    return Problem(
        409, _("This code was already counted"),
        _("An answer with this invitation code is stored; it counts once and cannot be changed or shown. If you gave "
          "it, nothing is left to do. If not, somebody had your letter: tell the office that is named in it."),
    )  # fmt: skip

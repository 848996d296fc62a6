"""Forms that can be taken are taken before the framework; everything else is the route's, as if that were not there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from evaluator.collection import at_once, drafts, form, steps
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.tables import Admission, Draft, Invitation, Pending
from evaluator.database import Unavailable

ADDRESS = "/rate/spring/3701/send"
ANSWERS = [("a-contact", "no"), ("a-word", "7")]
RANDOM = re.compile(r"(receipt-?[a-z]*=)[^;]*|receipt-[0-9a-f]+|[\w.=-]{40,}")


@pytest.fixture
def routed(monkeypatch) -> list[int]:
    """Has an element for each form that came to a route."""
    came: list[int] = []
    ordinary = steps.send

    async def counted(*given):
        came.append(1)
        return await ordinary(*given)

    monkeypatch.setattr(steps, "send", counted)
    return came


def sent(secret: bytes, fields=ANSWERS, *, unit: str = "3701", code_hash: str | None = None) -> bytes:
    visit = form.new_visit(1, unit, datetime(2026, 3, 10, 3, 55, tzinfo=UTC), code_hash=code_hash)
    return urlencode([("visit", form.sign_visit(secret, visit)), ("at", ":review"), ("to", "send"), *fields]).encode()


async def posted(client, body: bytes, address: str = ADDRESS, **headers: str):
    client.cookies.clear()
    given = {"accept": "text/html", "accept-language": "en", "cookie": f"draft={drafts.new_key()}", **headers}
    return await client.post(address, content=body, headers=given, follow_redirects=False)


def said(response) -> tuple[int, list[tuple[str, str]]]:
    """The answer without what is random in it."""
    told = [(name, RANDOM.sub(r"\1", value)) for name, value in response.headers.multi_items() if name != "date"]
    return response.status_code, sorted(told)


async def test_the_answer_is_the_one_that_the_route_gives(
    database_url, app_on, serving, small_campaign, monkeypatch, routed
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        first = await posted(client, sent(app.state.secret))
        assert routed == []
        with monkeypatch.context() as without:
            without.setattr(at_once, "_is_form", lambda scope: False)
            second = await posted(client, sent(app.state.secret))
        assert routed == [1]
    assert first.status_code == 303
    assert said(first) == said(second)
    assert len(first.headers.get_list("set-cookie")) == 3
    assert await Pending.count() == 2
    left_out = ("identifier", "salt", "leaf_hash", "commitment", "code_hash", "orders")
    one, two = [{name: row[name] for name in row if name not in left_out} for row in await Pending.select()]
    assert one == two


async def test_a_code_is_used_up_and_its_draft_goes(
    sqlite_url, app_on, serving, small_campaign, settings, routed
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    hashed = invitation_hash(campaign_key(settings, "spring"), "0" * 16)
    await Invitation.insert(Invitation(code_hash=hashed, campaign=1, unit="3701"))
    key = drafts.new_key()
    async with serving(app) as client:
        body = sent(app.state.secret, code_hash=hashed)
        held = drafts.read_key({drafts.COOKIE: key})
        assert held is not None
        await drafts.save(held, 1, drafts.Draft("", {}, ()))
        for _ in range(2):  # pressed twice: the same answers have the same outcome
            taken = await posted(client, body, "/code/send", cookie=f"draft={key}")
            assert (taken.status_code, taken.headers["location"]) == (303, "/receipt/thanks")
        assert routed == []
        other = await posted(client, sent(app.state.secret, [("a-contact", "dk")], code_hash=hashed), "/code/send")
        assert (other.status_code, "already counted" in other.text, routed) == (409, True, [1])
    assert (await Pending.count(), await Admission.count(), await Draft.count()) == (1, 1, 0)


@pytest.mark.parametrize(
    ("fields", "headers", "status", "words"),
    [
        ([("a-contact", "no"), ("a-word", "11")], {}, 303, None),  # leads back to the screen
        ([("a-contact", "no"), ("a-nothing", "1")], {}, 400, "was changed on its way"),
        ([("a-remark", "x" * form.MOST_BYTES)], {}, 413, None),
        (ANSWERS, {"sec-fetch-site": "cross-site"}, 403, "sent from another site"),
        (ANSWERS, {"cookie": "other=1"}, 200, "Thank you"),  # the slip stands on the page
    ],
)
async def test_whatever_is_not_the_ordinary_case_is_the_routes(
    sqlite_url, app_on, serving, small_campaign, fields, headers, status, words
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        found = await posted(client, sent(app.state.secret, fields), **headers)
        assert found.status_code == status
        assert words is None or words in found.text
        assert found.headers.get("location") != "/receipt/thanks"
    assert await Pending.count() == (1 if status == 200 else 0)


@pytest.mark.parametrize("address", ["/rate/spring/3702/send", "/code/send", "/account/spring/3701/send"])
async def test_a_form_of_another_address_is_refused(sqlite_url, app_on, serving, small_campaign, address) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        assert (await posted(client, sent(app.state.secret), address)).status_code == 400
    assert await Pending.count() == 0


async def test_a_form_by_open_link_where_there_is_none_is_refused(sqlite_url, app_on, serving, small_campaign) -> None:
    await small_campaign(open_link=False)
    app = app_on(sqlite_url)
    async with serving(app) as client:
        assert (await posted(client, sent(app.state.secret))).status_code == 400
    assert await Pending.count() == 0


@pytest.mark.parametrize(
    ("day", "status"), [(datetime(2026, 2, 28, tzinfo=UTC), 403), (datetime(2026, 5, 1, tzinfo=UTC), 410)]
)
async def test_before_and_after_the_route_says_so(
    sqlite_url, app_on, serving, small_campaign, clock, day, status
) -> None:
    await small_campaign()
    clock.now = day
    app = app_on(sqlite_url)
    async with serving(app) as client:
        assert (await posted(client, sent(app.state.secret))).status_code == status
    assert await Pending.count() == 0


async def test_a_body_that_breaks_off_is_never_taken(sqlite_url, app_on, serving, small_campaign) -> None:
    """The first half of a form is a form with fewer answers."""
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app):
        body = sent(app.state.secret)
        parts = iter([{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}])

        async def receive():
            return next(parts, {"type": "http.disconnect"})

        async def send(message):
            pass

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": ADDRESS, "raw_path": ADDRESS.encode(), "query_string": b"", "root_path": "", "state": {},
            "server": ("test", 80), "client": ("127.0.0.1", 5),
            "headers": [(b"cookie", f"draft={drafts.new_key()}".encode()), (b"host", b"test")],
        }  # fmt: skip
        await app(scope, receive, send)
        assert await Pending.count() == 0


async def test_a_full_queue_is_not_asked_twice(
    sqlite_url, app_on, serving, small_campaign, monkeypatch, routed
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        monkeypatch.setattr(app.state.intake, "_depth", 0)
        with monkeypatch.context() as patched:
            patched.setattr(form, "read_form", lambda body, read=form.read_form: read_at.append(1) or read(body))
            read_at: list[int] = []
            assert (await posted(client, sent(app.state.secret))).status_code == 503
        assert (read_at, routed) == ([1], [1])
    assert await Pending.count() == 0


async def test_an_error_of_this_way_alone_is_logged_and_the_form_taken(
    sqlite_url, app_on, serving, small_campaign, monkeypatch, routed, caplog
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)

    def broken(*_: object) -> str:
        raise RuntimeError("only here")

    async with serving(app) as client:
        body = sent(app.state.secret)
        with monkeypatch.context() as patched:
            patched.setattr(at_once, "state", broken)
            assert (await posted(client, body)).status_code == 303
    assert routed == [1]
    assert "a form was not taken at once" in caplog.text
    assert await Pending.count() == 1


async def test_a_writer_that_fails_once_is_asked_again_and_then_said(
    sqlite_url, app_on, serving, small_campaign, monkeypatch, routed
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        ordinary, failures = app.state.intake.submit, [Unavailable("gone")]

        async def submit(*given):
            if failures:
                raise failures.pop()
            return await ordinary(*given)

        monkeypatch.setattr(app.state.intake, "submit", submit)
        assert (await posted(client, sent(app.state.secret))).status_code == 303
        assert routed == [1]
        failures += [Unavailable("gone"), Unavailable("gone")]
        assert (await posted(client, sent(app.state.secret))).status_code == 503
    assert await Pending.count() == 1

"""Kept pages: the same bytes as made anew, 304 to who has them, and gone as soon as anything they show changes."""

from __future__ import annotations

import gzip
from datetime import date

import pytest
from litestar.testing import AsyncTestClient

from evaluator.accounts.sessions import COOKIE
from evaluator.app import Site
from evaluator.publication import rendered
from evaluator.rating.tables import PublishedEdition
from tests.publication import small_edition as small

HTML = {"Accept": "text/html", "Accept-Language": "en"}


def kept(client: AsyncTestClient[Site]) -> int:
    return len(client.app.rendered)


async def test_a_page_comes_from_memory_the_second_time_and_is_the_same(
    client: AsyncTestClient[Site], published: str
) -> None:
    paths = [
        "/", "/editions", *(f"/editions/{published}{end}" for end in ("", "/ranking/M", "/units/9001", "/method"))
    ]  # fmt: skip
    for number, path in enumerate(paths, 1):
        first = await client.get(path, headers=HTML)
        assert kept(client) == number
        again = await client.get(path, headers=HTML)
        assert again.content == first.content
        assert again.headers == first.headers
        assert again.headers["content-encoding"] == "gzip"
        for name in ("content-security-policy", "x-content-type-options", "etag"):
            assert again.headers[name] == first.headers[name]
    plain = await client.get("/", headers={**HTML, "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == (await client.get("/", headers=HTML)).content
    assert gzip.compress(plain.content) != plain.content


async def test_who_has_the_page_is_told_so_before_and_after_it_was_thrown_away(
    client: AsyncTestClient[Site], published: str
) -> None:
    path = f"/editions/{published}/ranking/M"
    tag = (await client.get(path, headers=HTML)).headers["etag"]
    for _ in range(2):
        answer = await client.get(path, headers={**HTML, "If-None-Match": tag})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == tag
        assert "Accept-Language" in answer.headers["vary"]
        client.app.rendered._kept.clear()  # as after a restart
    assert (await client.get(path, headers={**HTML, "If-None-Match": 'W/"other"'})).status_code == 200
    assert (await client.get(f"{path}?in=90", headers={**HTML, "If-None-Match": tag})).status_code == 200


async def test_languages_are_never_mixed_up(client: AsyncTestClient[Site], published: str) -> None:
    path = f"/editions/{published}/method"
    english = await client.get(path, headers=HTML)
    chinese = await client.get(
        path, headers={**HTML, "Accept-Language": "zh-CN", "If-None-Match": english.headers["etag"]}
    )
    assert chinese.status_code == 200
    assert 'lang="zh-CN"' in chinese.text
    assert chinese.headers["etag"] != english.headers["etag"]
    chosen = await client.get(path, headers={**HTML, "Cookie": "language=zh-CN"})
    assert chosen.text == chinese.text


async def test_what_changes_is_seen_at_once_where_it_is_asked_for_and_within_a_second_elsewhere(
    client: AsyncTestClient[Site], published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendered, "FRESH", 3600.0)
    path = f"/editions/{published}"
    tag = (await client.get(path, headers=HTML)).headers["etag"]
    await PublishedEdition.update({PublishedEdition.published_on: date(2027, 3, 1)}, force=True)
    assert (await client.get(path, headers={**HTML, "If-None-Match": tag})).status_code == 304
    await client.post("/staff/anything")  # whatever staff sends
    later = await client.get(path, headers={**HTML, "If-None-Match": tag})
    assert later.status_code == 200
    assert later.headers["etag"] != tag
    assert kept(client) == 1


async def test_a_page_for_an_account_is_neither_kept_nor_answered_from_memory(
    client: AsyncTestClient[Site], published: str
) -> None:
    path = f"/editions/{published}"
    await client.get(path, headers={**HTML, "Cookie": f"{COOKIE}=anything"})
    assert kept(client) == 0
    await client.get(path, headers=HTML)
    answer = await client.get(path, headers={**HTML, "Cookie": f"{COOKIE}=anything"})
    assert "etag" not in answer.headers


async def test_what_is_no_page_is_not_kept(client: AsyncTestClient[Site], published: str) -> None:
    for path, status in (
        (f"/editions/{published}/units/nobody", 404), ("/editions/none", 404), (f"/editions/{published}.json", 200),
        (f"/editions/{published}/files/SHA256SUMS", 200), ("/rate", 200),
    ):  # fmt: skip
        assert (await client.get(path, headers=HTML)).status_code == status
    assert kept(client) == 0


async def test_memory_is_bounded_and_gives_up_the_page_that_was_asked_for_longest_ago(
    client: AsyncTestClient[Site], published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"/editions/{published}/units/{code}" for code in (small.REGION, "9001", "9002", "9003")]
    first = await client.get(paths[0], headers=HTML)
    size = int(first.headers["content-length"])
    monkeypatch.setattr(rendered, "MOST", 3 * size)
    for path in (paths[1], paths[0], paths[2], paths[3]):
        await client.get(path, headers=HTML)
    held = [key[0] for key in client.app.rendered._kept]
    assert paths[1] not in held
    assert paths[3] in held
    assert sum(len(one.body) for one in client.app.rendered._kept.values()) == client.app.rendered._size <= 3 * size

"""What is sent compressed, and what is not."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from evaluator import database
from evaluator.app import create_app
from evaluator.pages import STATIC, stylesheet
from evaluator.settings import Settings

GZIP = {"accept-encoding": "gzip, br", "accept": "text/html"}


@pytest.fixture
async def client(tmp_path: Path) -> httpx.AsyncClient:
    settings = Settings(data_dir=tmp_path)
    database.connect(settings.database)
    await database.upgrade()
    app = create_app(settings)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")  # type: ignore[arg-type]


async def raw(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    async with client.stream("GET", path, headers=headers) as response:
        return response, b"".join([part async for part in response.aiter_raw()])


async def test_the_style_sheet_is_sent_in_an_eighth_of_its_size(client: httpx.AsyncClient) -> None:
    response, body = await raw(client, stylesheet(), GZIP)
    plain = (STATIC / "evaluator.css").read_bytes()
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(body) < len(plain) / 7
    assert gzip.decompress(body) == plain
    assert "etag" not in response.headers
    assert "immutable" in response.headers["cache-control"]


async def test_a_page_is_the_same_compressed_and_not(client: httpx.AsyncClient) -> None:
    response, body = await raw(client, "/sign-in", GZIP)
    plain_response, plain = await raw(client, "/sign-in", {"accept": "text/html", "accept-encoding": "identity"})
    assert response.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["vary"]
    assert "Accept-Language" in response.headers["vary"]
    assert gzip.decompress(body) == plain
    assert "content-encoding" not in plain_response.headers


@pytest.mark.parametrize("encoding", ["identity", "br", "gzip;q=0", "gzip; q=0.0", ""])
async def test_who_does_not_take_gzip_gets_none(client: httpx.AsyncClient, encoding: str) -> None:
    response, body = await raw(client, "/sign-in", {"accept": "text/html", "accept-encoding": encoding})
    assert "content-encoding" not in response.headers
    assert body.startswith(b"<!DOCTYPE html>")


async def test_data_and_short_answers_are_left_as_they_are(client: httpx.AsyncClient) -> None:
    response, body = await raw(client, "/health", GZIP)
    assert "content-encoding" not in response.headers
    assert body == b'{"status":"ok"}'


async def test_staff_pages_are_not_compressed(client: httpx.AsyncClient) -> None:
    response, _body = await raw(client, "/staff/campaigns", GZIP)
    assert "content-encoding" not in response.headers


async def test_a_head_request_has_the_headers_and_no_body(client: httpx.AsyncClient) -> None:
    response = await client.head("/sign-in", headers=GZIP)
    assert response.status_code == 200
    assert response.content == b""

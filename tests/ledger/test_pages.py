"""The logs over HTTP: what is kept for how long, what is not found, and that nothing else can be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from evaluator.ledger import routes
from evaluator.ledger.appending import append
from evaluator.ledger.audit import record
from evaluator.ledger.files import publish, publish_all, receipt_for
from evaluator.ledger.keys import signer
from evaluator.ledger.merkle import leaf_hash, root_from_inclusion
from evaluator.ledger.notes import decoded, read_checkpoint
from evaluator.ledger.published import folder, group_bits, read_published
from evaluator.ledger.tables import Log
from evaluator.settings import Settings
from tests.ledger.entries import SPRING, responses
from tests.wiring import site_over

Serving = Callable[..., Any]
HTML = {"accept": "text/html", "accept-language": "en"}


async def test_every_file_of_a_log_is_served_with_its_own_time_to_keep(settings: Settings, serving: Serving) -> None:
    await append(settings, SPRING, responses(0, 300))
    await publish(settings, SPRING)
    home = folder(settings, SPRING)
    async with serving(site_over(settings)) as client:
        for path in sorted(home.rglob("*")):
            name = str(path.relative_to(home))
            if not path.is_file() or name.startswith("."):
                continue
            answer = await client.get(f"/log/{SPRING}/{name}")
            assert (answer.status_code, answer.content) == (200, path.read_bytes()), name
            kept = "public, max-age=31536000, immutable" if name.startswith("tile/") else "no-cache"
            assert answer.headers["cache-control"] == kept, name
            assert answer.headers["access-control-allow-origin"] == "*"
            kind = "application/octet-stream" if name.startswith("tile/") else "text/plain; charset=utf-8"
            assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    "path",
    [
        "campaign/spring/",
        "campaign/spring",
        "campaign/spring/.lock",
        "campaign/spring/.grew-from",
        "campaign/spring/tile",
        "campaign/spring/tile/0",
        "campaign/spring/tile/0/001",
        "campaign/spring/tile/0/000.p/255",
        "campaign/spring/tile/0/000.p/256",
        "campaign/spring/tile/0/0",
        "campaign/spring/tile/64/000",
        "campaign/spring/tile/0/../0/000",
        "campaign/spring/tile/0/..%2f0/000",
        "campaign/spring/checkpoint/x",
        "campaign/spring/index/..%2fkey",
        "campaign/spring/index/00",
        "campaign/spring/proofs/0",
        "campaign/spring/proofs/2",
        "campaign/spring/proofs/",
        "campaign/autumn/checkpoint",
        "campaign/../audit/checkpoint",
        "campaign/..%2f..%2f..%2fkeys/log.ed25519",
        "..%2fkeys%2flog.ed25519",
        "../keys/log.ed25519",
        "%2e%2e/keys/log.ed25519",
        "audit",
        "auditcheckpoint",
        "audit/checkpoint",
        "campaign/spring/tile/0/000%00",
        "campaign/spring/index/%E2%80%94",
    ],
)
async def test_nothing_else_is_found(sqlite_settings: Settings, serving: Serving, path: str) -> None:
    await append(sqlite_settings, SPRING, responses(0, 30))
    await publish(sqlite_settings, SPRING)
    async with serving(site_over(sqlite_settings)) as client:
        answer = await client.get(f"/log/{path}", headers=HTML)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert (await client.get(f"/log/{path}")).headers["content-type"] == "application/problem+json"


async def test_the_overview_lists_every_log_in_both_languages(settings: Settings, serving: Serving) -> None:
    async with serving(site_over(settings)) as client:
        assert "There is no log yet." in (await client.get("/log", headers=HTML)).text
        await append(settings, SPRING, responses(0, 1234))
        await publish(settings, SPRING)
        await record(settings, "campaign.opened", campaign="spring")
        page = (await client.get("/log", headers=HTML)).text
        for text in ("Campaign spring", "1,234", "Changes to this site", "not published yet"):
            assert text in page
        for name in (SPRING, "audit"):
            assert signer(settings, name).vkey.replace("+", "&#43;") in page or signer(settings, name).vkey in page
        chinese = (await client.get("/log", headers={**HTML, "accept-language": "zh"})).text
        assert "Campaign spring" not in chinese
        assert '<html lang="zh-CN"' in chinese
        script = await client.get("/log/verify_receipt.py")
        assert script.text.startswith("#!/usr/bin/env python3")
        assert 'filename="verify_receipt.py"' in script.headers["content-disposition"]


async def test_a_damaged_head_breaks_no_page(sqlite_settings: Settings, serving: Serving) -> None:
    await append(sqlite_settings, SPRING, responses(0, 3))
    await publish(sqlite_settings, SPRING)
    (folder(sqlite_settings, SPRING) / "checkpoint").write_bytes(b"\xff")
    async with serving(site_over(sqlite_settings)) as client:
        assert "not published yet" in (await client.get("/log", headers=HTML)).text
        assert (await client.get(f"/log/{SPRING}/proofs/all")).status_code == 404
    assert await receipt_for(sqlite_settings, SPRING, leaf_hash(responses(0, 1)[0].encode())) is None


@pytest.mark.parametrize("size", [1, 99, 100, 431, 1700])
async def test_the_proofs_of_a_group_hold_for_each_leaf_in_it_and_every_leaf_is_in_one(
    sqlite_settings: Settings, serving: Serving, size: int
) -> None:
    settings = sqlite_settings
    await append(settings, SPRING, ['{"campaign":"spring","kind":"closing"}', *responses(0, size - 1)])
    await publish(settings, SPRING)
    head = read_checkpoint(read_published(settings, SPRING) or "", signer(settings, SPRING).vkey)
    bits, found = group_bits(size), {}
    async with serving(site_over(settings)) as client:
        for number in range(2**bits):
            prefix = f"{number:0{bits}b}" if bits else ""
            answer = await client.get(f"/log/{SPRING}/proofs/{prefix or 'all'}")
            assert answer.headers["cache-control"] == "no-cache"
            given = json.loads(answer.content)
            assert given["checkpoint"] == read_published(settings, SPRING)
            hashes = [decoded(one) for one in given["hashes"]]
            for position, entry, places in given["leaves"]:
                leaf = leaf_hash(entry.encode())
                assert f"{int.from_bytes(leaf, 'big'):0256b}".startswith(prefix)
                proof = [hashes[place] for place in places]
                assert root_from_inclusion(position, size, leaf, proof) == head.root
                found[position] = entry
        for other in ("0" * (bits + 1), "0" * (bits - 1)):
            if other and len(other) != bits:
                assert (await client.get(f"/log/{SPRING}/proofs/{other}")).status_code == 404
    assert [found[position] for position in range(1, size)] == responses(0, size - 1)
    assert 0 not in found  # what is no response needs no hiding: it is found in the bundles


async def test_a_site_that_starts_publishes_what_was_left_and_one_that_is_behind_goes_on(
    settings: Settings, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(settings, SPRING, responses(0, 30))
    async with serving(site_over(settings)) as client:
        for _ in range(200):
            answer = await client.get(f"/log/{SPRING}/checkpoint")
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert answer.text == read_published(settings, SPRING)
    await publish_all(settings)
    await Log.update({Log.root: "0" * 64}).where(Log.name == SPRING)
    said: list[str] = []
    monkeypatch.setattr(routes.log, "error", lambda text, *values: said.append(text % values))
    async with serving(site_over(settings)) as client:
        for _ in range(200):
            if said:
                break
            await asyncio.sleep(0.05)
        assert (await client.get(f"/log/{SPRING}/checkpoint")).text == answer.text
    assert ["they differ" in one for one in said] == [True]

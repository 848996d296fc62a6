"""The receipts' script in Chromium, under the site's own policy: the shared cases, and a real log of a real server."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evaluator import database
from evaluator.ledger.appending import append
from evaluator.ledger.files import publish
from evaluator.ledger.merkle import leaf_hash
from evaluator.ledger.receipts import verify_receipt
from evaluator.pages import STATIC
from evaluator.settings import Settings
from tests.browser.conftest import served, with_script_alone
from tests.ledger.entries import SPRING, responses
from tests.ledger.receipt_cases import FILE

BUILT, SOURCE = STATIC / "receipt.js", STATIC / "source" / "receipt.js"
SIZE = 431  # groups by three binary digits
WITHOUT_ED25519 = """
const real = SubtleCrypto.prototype.importKey;
SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...more) {
  if ((algorithm.name || algorithm) === 'Ed25519') return Promise.reject(new DOMException('', 'NotSupportedError'));
  return real.call(this, format, key, algorithm, ...more);
};
"""
WITHOUT_BIGINT = WITHOUT_ED25519 + "delete window.BigInt;"
WITHOUT_CRYPTO = "Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined});"
RUN = """async text => {
  const {verifyReceipt, ReceiptError} = await import('/receipt.js');
  const found = [];
  for (const {receipt, key} of JSON.parse(text)) {
    try {
      found.push({proves: await verifyReceipt(receipt, key), reason: ''});
    } catch (error) {
      found.push({proves: null, reason: error instanceof ReceiptError ? error.reason : String(error.stack)});
    }
  }
  return JSON.stringify(found);
}"""


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page that may run the site's scripts and nothing else, in a browser that lacks what `param` takes away."""
    with with_script_alone(browser, "receipt.js", before=request.param) as page:
        yield page


def judged(page: Any, cases: list[dict[str, Any]]) -> list[Any]:
    found: list[Any] = json.loads(page.evaluate(RUN, json.dumps(cases)))
    return found


CASES: list[dict[str, Any]] = json.loads(FILE.read_text())


@pytest.mark.parametrize("page", ["", WITHOUT_ED25519], ids=["WebCrypto", "BigInt"], indirect=True)
def test_the_browser_judges_every_shared_case_as_all_do(page: Any) -> None:
    found = judged(page, CASES)
    wrong = [
        (case["name"], case["reason"], told)
        for case, told in zip(CASES, found, strict=True)
        if told["proves"] != case["proves"]
        or (told["reason"] != case["reason"] if case["reason"] != "any" else len(told["reason"]) > 9)
    ]
    assert wrong == []
    assert page.evaluate("typeof BigInt") == "function"


@pytest.mark.parametrize("page", [WITHOUT_BIGINT, WITHOUT_CRYPTO], ids=["no BigInt", "no WebCrypto"], indirect=True)
def test_a_browser_that_cannot_verify_says_so_and_never_that_a_receipt_is_good(page: Any) -> None:
    found = judged(page, CASES)
    assert [told["proves"] for told in found] == [None] * len(CASES)
    good = [told["reason"] for case, told in zip(CASES, found, strict=True) if case["proves"]]
    assert set(good) == {"unable"}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[Settings, str]]:
    """A published log on a server of its own."""
    settings = Settings(data_dir=tmp_path)

    async def make() -> None:
        database.connect(settings.database)
        await database.upgrade()
        await append(settings, SPRING, ['{"campaign":"spring","kind":"closing"}', *responses(0, SIZE - 1)])
        await publish(settings, SPRING)

    with ThreadPoolExecutor(1) as thread:  # Playwright's own loop runs in this one
        thread.submit(lambda: asyncio.run(make())).result()
    with served(tmp_path) as address:
        yield settings, address


PROVE = """async ([base, leaf]) => {
  const {findAndProve, verifyReceipt} = await import('/static/receipt.js');
  const text = await findAndProve(base, leaf);
  if (text === null) return [null, null];
  const key = await (await fetch(base + '/key')).text();
  return [text, await verifyReceipt(text, key)];
}"""


def test_a_receipt_is_found_in_the_page_without_telling_which_leaf_it_is_of(
    browser: Any, log: tuple[Settings, str]
) -> None:
    settings, address = log
    page = browser.new_context().new_page()
    asked: list[str] = []
    page.goto(f"{address}/log")
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    by_group: dict[str, int] = {}
    for position in (1, 2, 77, 255, 256, SIZE - 1):
        entry = responses(position - 1, position)[0]
        leaf = leaf_hash(entry.encode())
        asked.clear()
        text, proved = page.evaluate(PROVE, [f"/log/{SPRING}", leaf.hex()])
        key = (settings.data_dir / "log" / SPRING / "key").read_text().strip()
        found = verify_receipt(text, key)
        assert (found.position, found.size, found.entry) == (position, SIZE, entry)
        assert proved == {"origin": found.origin, "position": position, "size": SIZE, "entry": entry}
        group = f"{leaf[0]:08b}"[:3]
        by_group[group] = by_group.get(group, 0) + 1
        looked = [one for one in asked if one.startswith("/log/")]
        assert looked == [f"/log/{SPRING}/{one}" for one in ("checkpoint", f"proofs/{group}", "key")]
    assert page.evaluate(PROVE, [f"/log/{SPRING}", "ab" * 32]) == [None, None]
    assert page.evaluate(PROVE, ["/log/campaign/autumn", "ab" * 32]) == [None, None]


def test_a_receipt_is_found_though_the_log_grows_between_two_questions(browser: Any, log: tuple[Settings, str]) -> None:
    _, address = log
    page = browser.new_context().new_page()
    page.goto(f"{address}/log")
    shown = ["example.org\n1\nAAAA\n", "example.org\n99\nAAAA\n"]  # heads of sizes whose groups are other ones

    def older(route: Any) -> None:
        route.fulfill(body=shown.pop(0)) if shown else route.fallback()

    page.route(f"{address}/log/{SPRING}/checkpoint", older)
    leaf = leaf_hash(responses(7, 8)[0].encode())
    assert page.evaluate(PROVE, [f"/log/{SPRING}", leaf.hex()])[1]["position"] == 8
    assert shown == []


def test_the_overview_is_readable_on_a_phone_in_both_languages(browser: Any, log: tuple[Settings, str]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    from tests.browser.conftest import LANGUAGES, PHONE, RULES

    _, address = log
    for language in LANGUAGES:
        context = browser.new_context(viewport=PHONE, locale=language)
        page = context.new_page()
        page.goto(f"{address}/log")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        found = Axe().run(page, options=RULES).response["violations"]
        assert [one["id"] for one in found] == []
        context.close()


def test_the_script_is_small_and_built_from_its_source() -> None:
    assert len(gzip.compress(BUILT.read_bytes(), 9)) < 4_000
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    assert BUILT.read_text(encoding="utf-8").startswith(f"/* source/receipt.js {digest}, by make js */")


def test_the_script_keeps_nothing_and_makes_no_code_of_text() -> None:
    for name in ("eval(", "Function(", "innerHTML", "XMLHttpRequest", "document", "localStorage", "sessionStorage"):
        assert name not in BUILT.read_text(encoding="utf-8"), name

"""Citizens on their phones, from an address to a receipt that verifies in the page, by command and by the script."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from evaluator.collection import exclusion, keys, slips
from evaluator.collection.admission import issue_codes, shown_code
from evaluator.collection.campaigns import Label, create_campaign, load_campaign
from evaluator.ledger.keys import signer
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.browser.conftest import DESKTOP, LANGUAGES, PHONE, opened, overflow, picture, press, violations
from tests.browser.receipts import VERIFIED, seal_all, settings_of, slip_shown, to_receipt, verified_outside
from tests.collection.conftest import QUESTIONNAIRE
from tests.days import local_day

RECEIPT_JS = Path(__file__).parents[2] / "evaluator" / "static"
UNITS = [f"37{number:04d}" for number in range(1000, 1010)]
BUTTON = "main button[value={}]"


@dataclass(slots=True)
class Site:
    """Two campaigns: one by invitation and open link, and another one whose codes are no good here."""

    address: str
    home: Path
    codes: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=lambda: list(UNITS))
    units: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("receipts")
    codes: list[str] = []

    async def fill(settings: Settings) -> None:
        await Unit.insert(Unit(code="37", parent=None, level="P", name_zh="\u5c71\u4e1c", name_en="Province"))
        await Unit.insert(
            *(Unit(code=u, parent="37", level="K", name_zh=f"\u53bf{u}", name_en=f"County {u}") for u in UNITS)
        )
        for code in ("spring", "autumn", "quiet"):
            await create_campaign(
                settings, code, questionnaire=QUESTIONNAIRE, units=UNITS, opens=local_day() - timedelta(3),
                closes=local_day() + timedelta(20),
                title=Label("\u653f\u52a1\u8bda\u4fe1\u8bc4\u8bae", f"Survey on honesty, {code}"),
                responsible=Label("\u7701\u529e", "The office"), contact="office@example.org",
            )  # fmt: skip
        codes.extend(await issue_codes(settings, "spring", UNITS[0], 4))

    with new_site(home, fill) as address:
        yield Site(address, home, codes)


def fill_in(page: Any, word: str = "7", *, send: bool = True) -> int:
    """Answers a form from its first screen, and sends it; how often it was touched."""
    page.check("input[value=no]", force=True)
    press(page, BUTTON.format("next"))
    page.check(f"input[name=a-word][value='{word}']", force=True)
    press(page, BUTTON.format("next"))
    press(page, BUTTON.format("next"))
    if send:
        press(page, BUTTON.format("send"))
    return 6


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("way", ["code", "open link"])
def test_a_citizen_gets_from_an_address_to_a_receipt_that_verifies_everywhere(
    site: Site, browser: Any, tmp_path: Path, way: str, script: bool
) -> None:
    context = browser.new_context(locale="en", viewport=PHONE, java_script_enabled=script)
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda request: asked.append((request.method, request.url, request.post_data or "")))
    page.on("pageerror", lambda error: errors.append(str(error)))
    taps = 0
    if way == "code":
        code = site.codes.pop()
        page.goto(f"{site.address}/code")
        page.fill("#code", shown_code(code))
        press(page, "main form button")
        taps += 1
    else:
        page.goto(f"{site.address}/rate/spring/{site.free.pop()}")
    taps += fill_in(page)
    assert page.url == f"{site.address}/receipt/thanks"
    slip = slip_shown(page)
    seal_all(site.address, site.home, "spring")
    sent = len(asked)
    text = to_receipt(page, site.address, script=script)
    assert taps <= 7  # then one on the foot of a page, and without a script one more
    assert verified_outside(text, site.address, "spring", tmp_path) == VERIFIED
    leaf = sha256(b"\0" + base64.b64decode(text.split("\n")[1].removeprefix("extra "))).hexdigest()
    assert leaf == slip.leaf
    names = (slip.leaf[:8], slips.packed(slip).split(".")[2], slip.token)
    assert not [url for _method, url, _data in asked for name in names if name in url]
    if script:
        assert [(method, data) for method, _url, data in asked[sent:] if method != "GET" or data] == []
    assert errors == []
    if way == "code":  # used, with another answer
        context.clear_cookies()
        page.goto(f"{site.address}/code")
        page.fill("#code", code)
        press(page, "main form button")
        assert "already counted" in page.inner_text("main")
    context.close()


def test_a_used_code_with_another_answer_is_refused_while_the_first_one_waits(site: Site, browser: Any) -> None:
    code = site.codes.pop()
    contexts = [browser.new_context(locale="en", viewport=PHONE) for _ in range(2)]
    found = [context.new_page() for context in contexts]
    for page in found:
        page.goto(f"{site.address}/code")
        page.fill("#code", code)
        press(page, "main form button")
    for page, word in zip(found, "34", strict=True):
        fill_in(page, word, send=False)
    for page in found:
        press(page, BUTTON.format("send"))
    assert found[0].url.endswith("/thanks")
    assert "already counted" in found[1].inner_text("main")
    for context in contexts:
        context.close()


def test_a_slip_scanned_on_another_device_becomes_a_receipt_and_leaves_the_address(site: Site, browser: Any) -> None:
    with opened(browser, f"{site.address}/rate/spring/{site.free.pop()}", language="en", viewport=PHONE) as page:
        fill_in(page)
        slip = slip_shown(page)
    with opened(browser, f"{site.address}/receipt#{slips.packed(slip)}", language="en", viewport=DESKTOP) as page:
        page.wait_for_selector("#scanned p")
        assert "does not have this entry yet" in page.inner_text("#scanned")
        seal_all(site.address, site.home, "spring")
        page.goto(f"{site.address}/notice")
        page.goto(f"{site.address}/receipt#{slips.packed(slip)}")
        page.wait_for_selector("#scanned .slip__verdict--good")
        assert page.url == f"{site.address}/receipt"
        late = replace(slip, leaf_hash=bytes(32), sealed_by=date(2020, 1, 1))
        page.goto(f"{site.address}/receipt#{slips.packed(late)}")
        page.wait_for_selector("#scanned:has-text('though it should by January 1, 2020')")


def test_what_was_tampered_with_is_refused_in_the_page_with_the_step_that_fails(
    site: Site, browser: Any, tmp_path: Path
) -> None:
    texts, context = [], browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    for _ in range(2):
        page.goto(f"{site.address}/rate/spring/{site.free.pop()}")
        fill_in(page)
        slip = slip_shown(page)
    seal_all(site.address, site.home, "spring")
    page.goto(f"{site.address}/receipt")
    page.wait_for_selector(".slip__verdict--good >> nth=1")
    texts = page.locator("pre").all_text_contents()
    mine, lines, others = texts[0], texts[0].split("\n"), texts[1].split("\n")
    elsewhere = replace(settings_of(site.address, site.home), data_dir=tmp_path)
    forged = signer(elsewhere, "campaign/spring").sign("x\n").split("\n")[-2]
    proof = lines[3]
    cases = {
        mine: "",
        mine.replace("\n", " \r\n").replace("\u2014", "--"): "",  # as chats pass it on
        "\n".join([lines[0], others[1], *lines[2:]]): "proof",  # the leaf of another one
        mine.replace(proof, proof[:4] + ("A" if proof[4] != "A" else "B") + proof[5:]): "proof",
        mine.replace(lines[2], "index 99999"): "position",
        mine.replace(lines[-2], forged): "signature",
        mine.replace(f"\n{lines[-5]}\n", f"\n{int(lines[-5]) + 1}\n"): "signature",
    }
    for text, failed in cases.items():
        page.fill("#text", text)
        page.click("#check button")
        page.wait_for_selector(f"#checked .slip__verdict--{'bad' if failed else 'good'}")
        if failed:
            assert page.locator("#checked [data-step]").last.get_attribute("data-step") == failed
            assert page.inner_text("#checked .steps__failed").startswith("Wrong:")
            assert "0 VERIFIED" not in verified_outside(text, site.address, "spring", tmp_path)
        page.evaluate("document.getElementById('checked').textContent = ''")
    page.set_input_files("#file", files=[{"name": "r.txt", "mimeType": "text/plain", "buffer": mine.encode()}])
    page.click("#check button")
    page.wait_for_selector("#checked .slip__verdict--good")
    # another campaign's withdrawal code
    foreign = keys.withdrawal_token(keys.campaign_key(settings_of(site.address, site.home), "autumn"), slip.leaf)
    page.goto(f"{site.address}/receipt/withdraw")
    page.fill("#text", slips.slip_text(slip, signer(settings_of(site.address, site.home), "campaign/spring").origin))
    page.fill("#code", foreign)
    press(page, "main form button")
    assert "The withdrawal code is wrong" in page.inner_text("main")
    context.close()


def test_pages_of_receipts_are_accessible_and_fit_in_every_state(site: Site, browser: Any) -> None:
    """One device with a slip that waits, a receipt, one left out and one taken back."""
    context = browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    found = []
    for at in range(3):
        page.goto(f"{site.address}/rate/quiet/{UNITS[at]}")
        fill_in(page)
        found.append(slip_shown(page))
    press(page, "footer a[href='/receipt']")
    page.locator(f"[aria-labelledby=slip-{found[0].name}] summary", has_text="Take my answers back").click()
    press(page, f"[aria-labelledby=slip-{found[0].name}] form[action='/receipt/withdraw'] button")
    sure = page.content()
    press(page, "main button")
    assert page.url == f"{site.address}/receipt/withdrawn"
    seal_all(site.address, site.home, "quiet")
    _leave_out(site, found[1].leaf)
    page.goto(f"{site.address}/rate/quiet/{UNITS[4]}")
    fill_in(page)
    waiting = slip_shown(page)
    cookies = context.cookies(f"{site.address}/receipt")
    context.close()
    assert "Take these answers back?" in sure
    for language in LANGUAGES:
        for name, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
            with opened(
                browser, f"{site.address}/receipt/thanks", language=language, viewport=viewport, cookies=cookies
            ) as page:
                _judge(page, f"thanks-{language}-{name}")
                page.locator("summary").last.click()
                press(page, "form[action='/receipt/withdraw'] button")
                _judge(page, f"sure-{language}-{name}")
                page.goto(f"{site.address}/receipt")
                page.wait_for_selector(".slip__verdict--good >> nth=1")
                states = page.locator("[data-state]").evaluate_all("all => all.map(one => one.dataset.state)")
                assert sorted(states) == ["excluded", "ready", "waiting", "withdrawn"]
                if language == "en":
                    assert "An authority has found that" in page.inner_text("main")  # the rule in words
                _judge(page, f"receipts-{language}-{name}")
                receipt = page.locator("pre", has_text="c2sp").first.text_content()
                press(page, ".slip form[action='/receipt/picture'] button >> nth=0")
                _judge(page, f"picture-{language}-{name}")
                page.goto(f"{site.address}/receipt")
                page.fill("#text", receipt.replace("index ", "index 9"))
                page.click("#check button")
                page.wait_for_selector("#checked .slip__verdict--bad")
                _judge(page, f"broken-{language}-{name}")
                for path in ("/receipt/withdraw", "/receipt/withdrawn"):
                    page.goto(site.address + path)
                    _judge(page, f"{path.rsplit('/', 1)[1]}-{language}-{name}")
            with opened(
                browser, f"{site.address}/receipt", language=language, viewport=viewport, script=False, cookies=cookies
            ) as page:
                press(page, ".slip__server button >> nth=0")
                assert page.locator(".slip__verdict--good").count() == 1
                assert overflow(page) == 0
                picture(page, f"by-server-{language}-{name}")
    assert waiting.campaign == "quiet"


def _leave_out(site: Site, leaf: str) -> None:
    settings = settings_of(site.address, site.home)

    async def do() -> None:
        campaign = await load_campaign("quiet")
        assert campaign is not None
        [rule, *_] = await exclusion.manifest.exclusion_rules(campaign.id)
        await exclusion.exclude(settings, campaign, rule, [leaf])

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(lambda: asyncio.run(do())).result()


def _judge(page: Any, name: str) -> None:
    picture(page, name)
    assert (violations(page), overflow(page)) == ([], 0), name


def test_the_built_script_is_that_of_its_sources() -> None:
    sources = b"".join((RECEIPT_JS / "source" / name).read_bytes() for name in ("receipt_page.js", "receipt.js"))
    built = (RECEIPT_JS / "receipt_page.js").read_text(encoding="utf-8")
    digest = sha256(sources).hexdigest()[:16]
    assert built.startswith(f"/* source/receipt_page.js and receipt.js {digest}, by make js */")

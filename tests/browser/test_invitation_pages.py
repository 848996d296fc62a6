"""From a printed square to the first question: letters, posters and the page for a code, in a real browser."""

from __future__ import annotations

import csv
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import segno

from evaluator.collection.admission import ALPHABET, new_code, read_code, shown_code
from evaluator.collection.batches import invite
from evaluator.collection.campaigns import Label, create_campaign, load_campaign
from evaluator.collection.frames import Contact
from evaluator.collection.handing_over import FolderPlace
from evaluator.collection.letters import PAPERS, Invited, Letter, letter, letters_page
from evaluator.collection.posters import PAPERS as POSTER_PAPERS
from evaluator.collection.posters import posters_page
from evaluator.collection.sampling import Wish
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.loading import shipped_text
from tests.browser.conftest import opened, press, violations
from tests.days import local_day

STATIC = Path(__file__).parents[2] / "evaluator/static"
PHONE = {"width": 390, "height": 844}
BASE = "https://rate.example.org"


@dataclass
class Sent:
    """A site, and what a sender has in hand."""

    address: str
    folder: Path
    campaign: Any
    people: list[dict[str, str]]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory, new_site: Callable[..., Any]) -> Iterator[Sent]:
    home = tmp_path_factory.mktemp("inviting")
    frame = home / "frame.csv"
    lines = [f"3701,Name {n},{n} Some Road,{('', 'zh', 'en')[n % 3]}" for n in range(30)]
    frame.write_text("\n".join(["unit,name,address,language", *lines]))
    found: list[Any] = []

    async def fill(settings: Settings) -> None:
        await Unit.insert(Unit(code="37", parent=None, level="P", name_zh="P-zh", name_en="Province"))
        await Unit.insert(Unit(code="3701", parent="37", level="C", name_zh="C-zh", name_en="Example City"))
        await create_campaign(
            settings, "letters", questionnaire=shipped_text("sd-citizen"), units=["3701"],
            opens=local_day() - timedelta(3), closes=local_day() + timedelta(20),
            title=Label("T-zh", "How do governments keep their word?"), responsible=Label("O-zh", "The Office"),
            contact="office@example.org",
        )  # fmt: skip
        campaign = await load_campaign("letters")
        assert campaign is not None
        found.append(campaign)
        await invite(
            settings,
            campaign,
            frame,
            Wish(30),
            carrier="letter",
            batch="w1",
            place=FolderPlace(home / "w1"),
            today=local_day(),
        )

    with new_site(home, fill) as address:
        with (home / "w1/contacts.csv").open(encoding="utf-8-sig", newline="") as file:
            people = list(csv.DictReader(file))
        yield Sent(address, home / "w1", found[0], people)


def paper(browser: Any, path: Path) -> Any:
    page = browser.new_context(viewport={"width": 900, "height": 1200}).new_page()
    page.goto(path.as_uri())
    return page


MODULES = """element => {
  // what a camera would see: the drawing as pixels, read in the middle of each module
  const svg = element, box = svg.viewBox.baseVal, size = box.width;
  return new Promise((done, failed) => {
    const copy = svg.cloneNode(true);
    copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    copy.setAttribute('width', size * 10);
    copy.setAttribute('height', size * 10);
    const picture = new Image();
    picture.onerror = () => failed(new Error('no picture'));
    picture.onload = () => {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = size * 10;
      const pen = canvas.getContext('2d');
      pen.fillStyle = '#fff';
      pen.fillRect(0, 0, size * 10, size * 10);
      pen.drawImage(picture, 0, 0, size * 10, size * 10);
      const rows = [];
      for (let y = 0; y < size; y++) {
        rows.push([]);
        for (let x = 0; x < size; x++)
          rows[y].push(pen.getImageData(x * 10 + 5, y * 10 + 5, 1, 1).data[0] < 128 ? 1 : 0);
      }
      done(rows);
    };
    picture.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(new XMLSerializer().serializeToString(copy));
  });
}"""


def drawn_for(address: str) -> list[list[int]]:
    """The modules of the QR code of an address, white around it included."""
    return [[int(dark) for dark in row] for row in segno.make(address, error="m", micro=False).matrix_iter(border=4)]


@pytest.mark.parametrize("size", PAPERS)
def test_every_letter_is_a_page_with_the_square_of_its_own_code(browser: Any, sent: Sent, size: str) -> None:
    page = paper(browser, sent.folder / f"letters/3701/letters-{size}.html")
    letters = page.query_selector_all(".letter")
    assert len(letters) == 30
    by_name = {person["name"]: person for person in sent.people}
    for element in letters:
        person = by_name[element.query_selector(".to").inner_text().splitlines()[0]]
        assert element.query_selector(".code").inner_text() == person["code"]
        address = f"{Settings().base_url}/code#{person['code']}"  # the site's, before it has a port
        assert element.query_selector(".qr").evaluate(MODULES) == drawn_for(address)
        spoken = {e.get_attribute("lang") for e in element.query_selector_all("[lang]")}
        assert spoken == {"": {"zh-CN", "en"}, "zh": {"zh-CN"}, "en": {"en"}}[person["language"]]
    pdf = page.pdf(prefer_css_page_size=True)
    page.context.close()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 30
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups())  # type: ignore[union-attr]
    wanted = {"a4": (210, 297), "a6": (105, 148)}[size]
    assert (width / 72 * 25.4, height / 72 * 25.4) == pytest.approx(wanted, abs=0.5)


@pytest.mark.parametrize("reminder", [False, True])
@pytest.mark.parametrize("long", [False, True])
def test_nothing_is_cut_off_a_letter(browser: Any, sent: Sent, tmp_path: Path, reminder: bool, long: bool) -> None:
    campaign = sent.campaign
    if long:  # as long as the database allows
        campaign = msgspec.structs.replace(
            campaign, title=Label("\u653f" * 160, "word " * 40), responsible=Label("\u4e2d" * 160, "centre " * 28),
            contact="0531-12345678 " * 14,
        )  # fmt: skip
    name, place = ("\u738b" * 40, "\u5c71\u4e1c" * 60) if long else ("\u738b\u5c0f\u660e", "\u5c71\u4e1c" * 12)
    for spoken in ("", "zh-CN", "en"):
        contact = Contact(1, "3701", name=name, address=place, language=spoken)
        made: Letter = letter(Settings(base_url=BASE), campaign, Invited(contact, new_code()), reminder=reminder)
        for size in PAPERS:
            path = tmp_path / f"{spoken}-{size}.html"
            path.write_text(letters_page(campaign, [made], size))
            page = paper(browser, path)
            over = page.query_selector(".letter").evaluate(
                "e => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]"
            )
            square = page.evaluate("document.querySelector('.qr').getBoundingClientRect().width / 96 * 25.4")
            page.context.close()
            assert max(over) <= 1, (spoken, size)
            assert square > 30  # millimetres: a phone reads it at arm's length


@pytest.mark.parametrize("size", POSTER_PAPERS)
def test_a_poster_is_a_page_with_the_square_of_its_unit(browser: Any, sent: Sent, tmp_path: Path, size: str) -> None:
    path = tmp_path / "poster.html"
    path.write_text(posters_page(Settings(base_url=sent.address), sent.campaign, ["3701"], size))  # type: ignore[arg-type]
    page = paper(browser, path)
    assert page.query_selector(".qr").evaluate(MODULES) == drawn_for(f"{sent.address}/rate/letters/3701")
    assert page.evaluate("(e => e.scrollHeight - e.clientHeight)(document.querySelector('.poster'))") <= 1
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1
    page.context.close()
    with opened(browser, f"{sent.address}/rate/letters/3701", language="en", viewport=PHONE) as form:
        assert form.query_selector("input[type=radio]")


def test_from_the_square_to_the_first_question(browser: Any, sent: Sent) -> None:
    code, asked = sent.people[0]["code"], []
    with opened(browser, "about:blank", language="en", viewport=PHONE) as page:
        page.on("request", lambda request: asked.append((request.url, request.headers.get("referer", ""))))
        page.goto(f"{sent.address}/code#{code}")
        assert page.input_value("#code") == code
        assert "#" not in page.url  # nobody finds it in the address, or sends it on with it
        assert violations(page) == []
        press(page, "main button")
        assert page.query_selector("input[type=radio]")
    assert asked
    for address, referrer in asked:
        assert code not in address
        assert code.replace("-", "") not in address.replace("-", "")
        assert code not in referrer


def test_without_scripts_the_code_is_typed(browser: Any, sent: Sent) -> None:
    code = sent.people[1]["code"]
    with opened(browser, f"{sent.address}/code#{code}", language="en", viewport=PHONE, script=False) as page:
        assert page.input_value("#code") == ""
        page.fill("#code", code.lower().replace("-", " "))
        press(page, "main button")
        assert page.query_selector("input[type=radio]")


def test_the_other_language_keeps_the_code(browser: Any, sent: Sent) -> None:
    code = sent.people[2]["code"]
    with opened(browser, f"{sent.address}/code#{code}", language="en", viewport=PHONE) as page:
        press(page, "a[href^='/language']")
        assert page.get_attribute("html", "lang") == "zh-CN"
        assert page.input_value("#code") == code


def test_a_slip_is_named_before_the_server_is_asked(browser: Any, sent: Sent) -> None:
    code = str(read_code(sent.people[3]["code"]))
    other = "1" if code[5] != "1" else "2"
    wrong = code[:5] + other + code[6:]
    with opened(browser, f"{sent.address}/code", language="en", viewport=PHONE) as page:
        posts: list[str] = []
        page.on("request", lambda request: posts.append(request.method) if request.method == "POST" else None)
        page.locator("#code").press_sequentially(wrong.lower())
        assert page.input_value("#code") == shown_code(wrong)  # grouped while it is typed
        assert "mistyped" in page.inner_text("#code-slip")
        assert page.get_attribute("#code", "aria-invalid") == "true"
        page.click("main button")
        assert posts == []
        assert page.evaluate("document.activeElement.id") == "code"
        assert violations(page) == []
        for _ in range(12):  # back to where the slip is, and on
            page.press("#code", "Backspace")
        while len(page.input_value("#code").replace("-", "")) > 5:
            page.press("#code", "Backspace")
        page.locator("#code").press_sequentially(code[5:])
        assert page.is_hidden("#code-slip")
        press(page, "main button")
        assert page.query_selector("input[type=radio]")


def test_a_symbol_of_no_code_is_named_at_once(browser: Any, sent: Sent) -> None:
    with opened(browser, f"{sent.address}/code", language="en", viewport=PHONE) as page:
        page.locator("#code").press_sequentially("7k3u")
        assert "\u201cU\u201d" in page.inner_text("#code-slip")
        page.press("#code", "Backspace")
        assert page.is_hidden("#code-slip")


def test_an_input_method_is_left_alone_until_it_has_finished(browser: Any, sent: Sent) -> None:
    with opened(browser, f"{sent.address}/code", language="en", viewport=PHONE) as page:
        page.focus("#code")
        keys = page.context.new_cdp_session(page)
        for text in ("7", "7k", "7k3", "7k3m", "7k3mx"):  # letters in the making, as an input method shows them
            keys.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
            assert page.input_value("#code") == text
        keys.send("Input.insertText", {"text": "7k3mx"})
        assert page.input_value("#code") == "7K3M-X"


def test_script_and_server_agree_what_a_code_is(browser: Any, sent: Sent) -> None:
    draw = secrets.SystemRandom()
    texts = ["", " ", "\uff10" * 16, "\u00df" * 8, "\u0131" * 16]
    for _ in range(400):
        code = new_code()
        at, other = draw.randrange(16), draw.choice(ALPHABET)
        texts += [
            code, shown_code(code).lower(), code[:at] + other + code[at + 1 :],
            code[:at] + code[at + 1 : at + 2] + code[at] + code[at + 2 :], code[:at], code + other,
            code.replace("0", "o").replace("1", draw.choice("iIlL")), "\u3000".join(code),
            "".join(chr(ord(c) + 0xFEE0) for c in code), code[:at] + draw.choice("U*\u738b?") + code[at + 1 :],
        ]  # fmt: skip
    with opened(browser, f"{sent.address}/code", language="en", viewport=PHONE) as page:
        found = page.evaluate(
            """async ([url, texts]) => { const m = await import(url);
              return texts.map(text => { const s = m.symbols(text); return m.right(s) ? s : null; }); }""",
            [page.get_attribute("script[type=module]", "src"), texts],
        )
    assert found == [read_code(text) for text in texts]
    assert sum(one is not None for one in found) > 1500


def test_the_committed_script_is_the_one_that_make_js_builds() -> None:
    digest = hashlib.sha256((STATIC / "source/code.js").read_bytes()).hexdigest()[:16]
    assert (STATIC / "code.js").read_text(encoding="utf-8").startswith(f"/* source/code.js {digest}, by make js */")

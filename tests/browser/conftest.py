"""A real server and a real browser. With CI=true a missing browser is a failure; elsewhere these tests are skipped."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluator import database
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.pages import STATIC
from evaluator.security import POLICY
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.definition import Questionnaire
from questionnaires.loading import loads, shipped_text
from tests.browser.live_questionnaires import FOLLOWED, made
from tests.days import local_day

# the same engine without a desktop's windows, where it is: these tests take three fifths of the time with it
SHELL = "/usr/bin/chromium-headless-shell"
CHROMIUM = os.environ.get("CHROMIUM") or (SHELL if Path(SHELL).exists() else "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-gpu",
]  # fmt: skip
A4, PAPER = (595, 842), {"width": 680, "height": 1000}  # points; pixels between the margins
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
VIEWPORTS = {"phone": PHONE, "desktop": DESKTOP}
LANGUAGES = ("zh-CN", "en")
UNITS = [f"37{number:04d}" for number in range(1000, 1400)]
SHIPPED = ("sd-citizen", "sd-enterprise", "sd-service")
EVERY_TYPE = Path(__file__).parents[1] / "collection" / "every_type.yaml"
GENERATED = (4, 5, 10, 20, 26, 35, 46, 51)  # seeds of questionnaires whose sections have several parts
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],  # of what passes one place is enough: naming each takes most of the time
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, once."""
    if not (Path(CHROMIUM).exists() or shutil.which(CHROMIUM)):
        missing = f"{CHROMIUM} is missing: install Chromium, or name it in CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def served(home: Path, *, worker: bool = False, **more: str) -> Iterator[str]:
    """The site over the data directory `home`, with `more` settings, in a process of its own; gives its address.

    With the workbench's `worker` beside it only where a test needs one.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EVALUATOR_")}
    environment |= {"EVALUATOR_DATA_DIR": str(home), "EVALUATOR_BASE_URL": f"http://127.0.0.1:{port}", **more}
    command = "import sys; from evaluator.cli import main; sys.argv[0] = 'evaluator'; main()"
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", command, "serve", "--port", str(port), *([] if worker else ["--no-workbench"])],
            env=environment, stdout=log, stderr=log, cwd=Path(__file__).parents[2],
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/health")
                break
            except OSError:
                if process.poll() is not None:
                    break
                time.sleep(0.1)
        else:
            raise RuntimeError("the server does not answer")
        if process.poll() is not None:
            raise RuntimeError((home / "server.log").read_text())
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def new_site() -> Callable[[Path, Any], Any]:
    """`with new_site(home, filling) as address`: a fresh database, filled by the coroutine function, and served."""

    @contextmanager
    def make(home: Path, filling: Callable[[Settings], Any], *, worker: bool = False, **more: str) -> Iterator[str]:
        settings = Settings(data_dir=home)
        database.connect(settings.database)

        async def prepare() -> None:
            await database.upgrade()
            await filling(settings)

        with ThreadPoolExecutor(1) as elsewhere:  # the browser's own loop holds this thread
            elsewhere.submit(lambda: asyncio.run(prepare())).result()
        with served(home, worker=worker, **more) as address:
            yield address

    return make


@dataclass(slots=True)
class Place:
    """A site with campaigns that go by their questionnaires' codes, and units that nobody has rated yet."""

    address: str
    home: Path
    questionnaires: dict[str, Questionnaire]
    free: list[str] = field(default_factory=lambda: list(UNITS))

    def form(self, campaign: str) -> str:
        """Where a form begins whose answers are told from all others by their unit."""
        return f"{self.address}/rate/{campaign}/{self.free.pop()}"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, new_site: Callable[..., Any]) -> Iterator[Place]:
    """The shipped questionnaires for the public, one of every type of question, and generated ones."""
    texts = [shipped_text(code) for code in SHIPPED] + [EVERY_TYPE.read_text(encoding="utf-8"), FOLLOWED]
    texts += [made(seed) for seed in GENERATED]
    questionnaires = {questionnaire.code: questionnaire for questionnaire in map(loads, texts)}

    async def fill(settings: Settings) -> None:
        await Unit.insert(Unit(code="37", parent=None, level="P", name_zh="P-zh", name_en="Province"))
        units = [Unit(code=u, parent="37", level="K", name_zh=f"{u}-zh", name_en=f"County {u}") for u in UNITS]
        await Unit.insert(*units)
        for code, text in zip(questionnaires, texts, strict=True):
            await create_campaign(
                settings, code, questionnaire=text, units=UNITS, opens=local_day() - timedelta(3),
                closes=local_day() + timedelta(20), title=Label(f"{code}-zh", f"Test of {code}"),
                responsible=Label("Office-zh", "Test office"), contact="office@example.org",
            )  # fmt: skip

    home = tmp_path_factory.mktemp("live")
    with new_site(home, fill) as address:
        yield Place(address, home, questionnaires)


@contextmanager
def opened(
    browser: Any, address: str, *, language: str, viewport: dict[str, int], script: bool = True, cookies: Any = ()
) -> Iterator[Any]:
    """A page in a browser of this language and size; errors of the console fail the test when it closes."""
    context = browser.new_context(locale=language, viewport=viewport, java_script_enabled=script)
    if cookies:
        context.add_cookies(list(cookies))
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    try:
        yield page
    finally:
        context.close()
    assert errors == []


@contextmanager
def with_script_alone(browser: Any, name: str, *, before: str = "") -> Iterator[Any]:
    """An empty page under the site's own policy that may load one of its scripts and nothing else.

    `before` is run first: it takes away what an older browser lacks. Errors of the console fail the test.
    """
    address, built = "https://script.test", (STATIC / name).read_text(encoding="utf-8")
    html = "<!doctype html><title>Script</title><link rel=icon href=data:,>"
    headers = {"content-security-policy": POLICY}
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(before)
    page.route(f"{address}/", lambda route: route.fulfill(body=html, content_type="text/html", headers=headers))
    page.route(f"{address}/{name}", lambda route: route.fulfill(body=built, content_type="text/javascript"))
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/")
    yield page
    context.close()
    assert errors == []


def press(page: Any, button: str) -> None:
    """Click what leads to another page, and be there."""
    with page.expect_navigation():
        page.click(button)


def looked_at_by_axe(language: str, viewport: dict[str, int]) -> bool:
    """Whether axe looks at a page in this language and size: Chinese on every phone, English on a desktop.

    Both languages and both layouts are looked at; their product takes twice as long.
    """
    return (language == "en") == (viewport["width"] >= DESKTOP["width"])


def violations(page: Any) -> list[str]:
    """What axe finds against WCAG 2.2 AA, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes']][:3]}" for v in found]


def picture(page: Any, name: str) -> None:
    """A picture to look at, where somebody asks for them: PICTURES=FOLDER make browser."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def overflow(page: Any) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def sheets(page: Any, *, background: bool = False) -> list[int]:
    """The open page printed on A4: how many letters stand on each sheet."""
    pdf = page.pdf(prefer_css_page_size=True, print_background=background)
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert {(round(float(x)), round(float(y))) for x, y in boxes} == {A4}
    objects = {int(number): body for number, body in re.findall(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", pdf, re.S)}
    found = []
    for body in objects.values():
        if re.search(rb"/Type /Page\b", body):
            stream = objects[int(re.search(rb"/Contents (\d+) 0 R", body)[1])]  # type: ignore[index]
            drawn = zlib.decompress(stream[stream.index(b"stream\n") + 7 : stream.rindex(b"\nendstream")])
            found.append(len(re.findall(rb"\bT[jJ]\b", drawn)))  # Chromium sets letter by letter
    assert len(found) == len(boxes)
    return found


def wrong_on_paper(page: Any, *, most: int) -> list[str]:
    """What is wrong with the open page on paper: a line each. It is left as it is printed, at the width of a sheet."""
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    found = [f"{overflow(page)} pixels wider than a sheet"] if overflow(page) > 0 else []
    for gone in ("header", "footer", "nav", "form button", ".paging", ".for-narrow", ".no-print", ".govuk-back-link"):
        if any(one.is_visible() for one in page.locator(gone).all()):
            found.append(f"{gone} is printed")
    foot = page.locator(".print-foot").inner_text()
    if page.url.partition("//")[2].partition("?")[0] not in foot.partition("//")[2]:
        found.append(f"the foot is {foot!r}, not the address {page.url}")
    marks = sheets(page)
    if len(marks) > most:
        found.append(f"{len(marks)} sheets instead of at most {most}")
    found += [f"sheet {number} is blank" for number, mark in enumerate(marks, 1) if mark < len(foot) + 40]
    return found


def overlapping_texts(page: Any) -> list[str]:
    """Texts inside one picture that lie upon each other."""
    script = """() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
      const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()])
        .filter(([t, b]) => t && b.width > 0);
      const found = [];
      for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
        const [s, a] = boxes[i], [t, b] = boxes[j];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 2 && high > 5) found.push(s + ' | ' + t);
      }
      return found;
    })"""
    return list(page.evaluate(script))


def signed_in(browser: Any, address: str, name: str, password: str) -> list[Any]:
    """Cookies of somebody who has signed in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.fill("#name", name)
    page.fill("#password", password)
    press(page, "main button")
    cookies: list[Any] = context.cookies()
    context.close()
    return cookies

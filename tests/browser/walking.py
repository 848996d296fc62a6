"""Somebody who goes through a form in a real browser with answers decided beforehand, and what was stored of it.

Many at a time: each has a context of its own (cookies, cache), and a unit of its own, by which the response is found.
Fields are set as a click or typing would set them, with the events of both, in one call a page; buttons are clicked.
Tests of keyboard, composition and touch do it by hand.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.browser.conftest import CHROMIUM, FLAGS, PHONE

T = TypeVar("T")
Answers = Mapping[str, Sequence[str]]  # by question; what is not among them is skipped
MOST_PAGES = 60

# Answers every question that is seen and was not answered before, one after the other, those too that come up because
# of an answer; what somebody cannot see or click is an error. Gives the questions in the order in which they were met.
FILL = """([answers, done]) => {
  const seen = [], visible = element => element.getClientRects().length > 0;
  let clicks = 0, typed = 0;
  for (;;) {
    const next = [...document.querySelectorAll('#rating [data-question]')]
      .find(element => visible(element) && !done.includes(element.dataset.question));
    if (!next) break;
    const code = next.dataset.question;
    done.push(code);
    seen.push(code);
    const fields = [...next.querySelectorAll('[name^="a-"]')].filter(f => f.type !== 'hidden' && !f.readOnly);
    const ticked = fields.filter(f => f.type === 'checkbox' && f.checked && !(answers[code] || []).includes(f.value));
    ticked.forEach(f => { f.click(); clicks++; });
    const filled = fields.filter(f => f.type !== 'radio' && f.type !== 'checkbox' && f.value);
    if (answers[code] && !answers[code].length) filled.forEach(f => {
      f.value = '';
      f.dispatchEvent(new Event('input', {bubbles: true}));
      f.dispatchEvent(new Event('change', {bubbles: true}));
    });
    for (const value of answers[code] || []) {
      const choice = fields.find(f => (f.type === 'radio' || f.type === 'checkbox') && f.value === value);
      const box = fields.find(f => f.type !== 'radio' && f.type !== 'checkbox');
      if (choice) {
        if (!visible(choice)) throw new Error(`${code}: ${value} is hidden`);
        if (!choice.checked) choice.click();
        clicks++;
      } else if (box && box.tagName === 'SELECT') {
        if (![...box.options].some(o => o.value === value)) throw new Error(`${code}: ${value} is not in the list`);
        box.value = value;
        clicks += 2;
        box.dispatchEvent(new Event('input', {bubbles: true}));
        box.dispatchEvent(new Event('change', {bubbles: true}));
      } else if (box) {
        box.value = value;
        if (box.value !== value) throw new Error(`${code} does not take ${value}`);
        clicks++;
        typed += value.length;
        box.dispatchEvent(new Event('input', {bubbles: true}));
        box.dispatchEvent(new Event('change', {bubbles: true}));
      } else if (fields.length) throw new Error(`${code} does not offer ${value}`);
    }
  }
  return {seen, clicks, typed};
}"""
WHERE = """() => ({
  review: !!document.querySelector('button[value=send]'),
  wrong: [...document.querySelectorAll('.govuk-error-summary li')].map(line => line.textContent.trim()),
  thanks: location.pathname.endsWith('/thanks'),
})"""


@dataclass(slots=True)
class Walk:
    """One way through.

    Attributes
    ----------
    changes : sequence of (question, answer)
        Changed at the review, one after the other.
    options : mapping
        Of the browser's context.
    prepare, judge : callables
        Called with the page before it is opened, and on every screen.
    """

    address: str  # where the form begins
    answers: Answers
    script: bool = True
    language: str = "en"
    changes: Sequence[tuple[str, Sequence[str]]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Any], Awaitable[None]] | None = None
    judge: Callable[[Any], Awaitable[None]] | None = None
    faults: int | None = 0  # messages in the console: so many; None: something is broken on purpose
    clicks: int = 0
    typed: int = 0
    pages: list[list[str]] = field(default_factory=list)  # the questions met on each screen
    errors: list[str] = field(default_factory=list)

    @property
    def seen(self) -> list[str]:
        return [code for page in self.pages for code in page]

    @property
    def unit(self) -> str:
        return self.address.rsplit("/", 1)[1]


async def go_through(page: Any, walk: Walk) -> None:
    """From the first screen to the thanks."""
    await page.goto(walk.address)
    done: list[str] = []
    waiting = list(walk.changes)
    answers = dict(walk.answers)
    for _ in range(MOST_PAGES):
        where = await page.evaluate(WHERE)
        assert where["wrong"] == [] or walk.faults is None, (walk.script, where["wrong"])
        if walk.judge is not None:
            await walk.judge(page)
        if where["thanks"]:
            return
        if not where["review"]:
            found = await page.evaluate(FILL, [answers, done])
            done += found["seen"]
            walk.pages.append(found["seen"])
            walk.clicks += found["clicks"]
            walk.typed += found["typed"]
            await press(page, walk, "next")
        elif waiting:
            code, value = waiting.pop(0)
            answers[code] = value
            done.remove(code)
            await press(page, walk, f"change:{code}")
        else:
            walk.pages.append([])
            await press(page, walk, "send")
    raise AssertionError("it never ends")


async def press(page: Any, walk: Walk, button: str) -> None:
    async with page.expect_navigation(wait_until="domcontentloaded"):
        await page.locator(f'main button[value="{button}"]').click(no_wait_after=True)
    walk.clicks += 1


async def walked(page: Any, walk: Walk) -> None:
    """Go through in a page that somebody else may have used before."""
    note = lambda message: walk.errors.append(message.text) if message.type == "error" else None  # noqa: E731
    broken = lambda error: walk.errors.append(str(error))  # noqa: E731
    page.on("console", note)
    page.on("pageerror", broken)
    try:
        if walk.prepare is not None:
            await walk.prepare(page)
        await go_through(page, walk)
    except BaseException as error:
        said = await page.locator("body").inner_text(timeout=2000)
        error.add_note(
            f"script={walk.script} {page.url} {dict(walk.answers)} {walk.changes} {walk.errors}\n{said[:800]}"
        )
        raise
    finally:
        page.remove_listener("console", note)
        page.remove_listener("pageerror", broken)
    assert walk.faults is None or len(walk.errors) == walk.faults, walk.errors


def together(walks: Sequence[Walk], workers: int = 3) -> Sequence[Walk]:
    """Everybody, some at a time, in one browser; those alike one after the other in one window, without its cookies."""

    async def work(browser: Any) -> None:
        queue = sorted(walks, key=kind_of, reverse=True)

        async def one_window() -> None:
            context, kind = None, None
            while queue:
                walk = queue.pop()
                if context is None or kind_of(walk) != kind or walk.prepare is not None:
                    if context is not None:
                        await context.close()
                    options = {"locale": walk.language, "viewport": PHONE, **walk.options}
                    context = await browser.new_context(java_script_enabled=walk.script, **options)
                    page, kind = await context.new_page(), kind_of(walk)
                    page.set_default_timeout(60_000)
                await context.clear_cookies()
                await walked(page, walk)
            if context is not None:
                await context.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(walks))):
                group.create_task(one_window())

    elsewhere(work)
    return walks


def kind_of(walk: Walk) -> tuple[bool, str, str]:
    return walk.script, walk.language, repr(sorted(walk.options.items()))


def elsewhere(work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """Run with a browser of the asynchronous interface, in a thread: the tests' own browser holds this one."""

    async def run() -> T:
        from playwright.async_api import async_playwright

        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            try:
                return await work(browser)
            finally:
                await browser.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result()


def stored(home: Path) -> dict[str, dict[str, Any]]:
    """The answers by unit: none has waited long enough to be sealed."""
    with sqlite3.connect(home / "evaluator.sqlite") as database:
        rows = database.execute("SELECT unit, answers FROM pending").fetchall()
    assert len(rows) == len({unit for unit, _ in rows})
    return {unit: json.loads(answers) for unit, answers in rows}

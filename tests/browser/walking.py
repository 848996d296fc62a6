"""Somebody who goes through a form in a real browser with answers decided beforehand, and what was stored of it.

Many at a time: each has a context of its own (cookies, cache), and a unit of its own, by which the response is found.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.browser.conftest import CHROMIUM, FLAGS, PHONE

T = TypeVar("T")
Answers = Mapping[str, Sequence[str]]  # by question; what is not among them is skipped
MOST_PAGES = 60

# The questions that somebody sees: their codes, with the kinds of their fields.
SEEN = """() => [...document.querySelectorAll('#rating [data-question]')].filter(e => e.offsetParent).map(e => {
  const fields = [...e.querySelectorAll('[name^="a-"]')].filter(f => f.type !== 'hidden' && !f.readOnly);
  return [e.dataset.question, fields.map(f => [f.type, f.value, f.getClientRects().length > 0])];
})"""


@dataclass(slots=True)
class Walk:
    """One way through."""

    address: str  # where the form begins
    answers: Answers
    script: bool = True
    language: str = "en"
    clicks: int = 0
    typed: int = 0
    screens: int = 0
    seen: list[str] = field(default_factory=list)  # questions in the order in which they were met
    errors: list[str] = field(default_factory=list)
    pages: list[list[str]] = field(default_factory=list)


async def fill(page: Any, walk: Walk, done: set[str]) -> None:
    """Answer what is seen, and what comes up because of it."""
    while True:
        waiting = [(code, fields) for code, fields in await page.evaluate(SEEN) if code not in done]
        if not waiting:
            return
        for code, fields in waiting:
            done.add(code)
            walk.seen.append(code)
            await answer(page, walk, code, fields, walk.answers.get(code, ()))
            if walk.script:
                break  # another question may be there now


async def answer(page: Any, walk: Walk, code: str, fields: list[Any], values: Sequence[str]) -> None:
    inside = f'[data-question="{code}"]'
    choosable = {value: shown for kind, value, shown in fields if kind in ("radio", "checkbox")}
    typed = [kind for kind, _value, _shown in fields if kind not in ("radio", "checkbox")]
    for value in values:
        if value in choosable:
            assert choosable[value], f"{code}={value} is hidden"
            await page.locator(f'{inside} input[value="{value}"]').set_checked(True, force=True, no_wait_after=True)
            walk.clicks += 1
        elif typed == ["select-one"]:
            await page.locator(f"{inside} select").select_option(value)
            walk.clicks += 2
        elif typed:
            text = value if typed[0] not in ("datetime-local",) else value.replace(" ", "T")
            box = page.locator(f"{inside} :is(input, textarea):not([type=radio]):not([type=checkbox])")
            await box.fill(text)
            await box.blur()
            walk.typed += len(text)
            walk.clicks += 1
        elif fields:
            raise AssertionError(f"{code} does not offer {value}")


async def go_through(page: Any, walk: Walk) -> None:
    """From the first screen to the thanks."""
    await page.goto(walk.address)
    done: set[str] = set()
    for _ in range(MOST_PAGES):
        if await page.locator("button[value=send]").count():
            break
        walk.screens += 1
        before = len(walk.seen)
        await fill(page, walk, done)
        walk.pages.append(walk.seen[before:])
        await pressed(page, walk, "next")
        problems = await page.locator(".govuk-error-summary li").all_inner_texts()
        assert problems == [], (walk.script, problems)
    walk.screens += 1
    await pressed(page, walk, "send")
    assert page.url.endswith("/thanks"), page.url


async def pressed(page: Any, walk: Walk, button: str) -> None:
    async with page.expect_navigation(wait_until="domcontentloaded"):
        await page.locator(f"main button[value={button}]").click(no_wait_after=True)
    walk.clicks += 1


async def walked(browser: Any, walk: Walk) -> Walk:
    context = await browser.new_context(locale=walk.language, viewport=PHONE, java_script_enabled=walk.script)
    page = await context.new_page()
    page.on("console", lambda message: walk.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: walk.errors.append(str(error)))
    page.set_default_timeout(60_000)
    try:
        await go_through(page, walk)
    except Exception as error:
        error.add_note(f"script={walk.script} {walk.address} {dict(walk.answers)}")
        raise
    finally:
        await context.close()
    assert walk.errors == []
    return walk


def together(walks: Sequence[Walk], workers: int = 3) -> list[Walk]:
    """Everybody, some at a time, in one browser."""

    async def work(browser: Any) -> list[Walk]:
        turn = asyncio.Semaphore(workers)

        async def one(walk: Walk) -> Walk:
            async with turn:
                return await walked(browser, walk)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(walk)) for walk in walks]
        return [task.result() for task in tasks]

    return elsewhere(work)


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
    """The answers by unit."""
    with sqlite3.connect(home / "evaluator.sqlite") as database:
        rows = database.execute("SELECT unit, answers FROM response").fetchall()
    assert len(rows) == len({unit for unit, _ in rows})
    return {unit: json.loads(answers) for unit, answers in rows}

"""The workbench as operators see it, with the real worker beside the real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from evaluator.accounts.register import create_account
from evaluator.publication.publishing import publish
from evaluator.rating.scheme_file import parse_scheme
from evaluator.settings import Settings
from evaluator.workbench.tables import WorkbenchRun
from tests.browser.conftest import (
    DESKTOP,
    LANGUAGES,
    VIEWPORTS,
    looked_at_by_axe,
    opened,
    overflow,
    overlapping_texts,
    picture,
    press,
    signed_in,
    violations,
)  # fmt: skip
from tests.publication import small_edition as small
from tests.workbench.conftest import finished

PASSWORD = "correct horse battery staple"
HOME = "/staff/workbench"
PATHS = (
    "", "/new", "/snapshot", "/schemes", "/compare?a={run}&b={run}", "/runs/{run}", "/runs/{run}/coverage?level=W",
    "/runs/{run}/outliers?level=W", "/runs/{run}/correlations", "/runs/{run}/weights", "/runs/{run}/sensitivity",
    "/runs/{run}/movers", "/runs/{run}/what-if", "/runs/{run}/what-if?level=M&d%3Aanswer=0.9&i%3Akept=0.7",
    "/runs/{run}/take", "/runs/{run}/delete", "/runs/{broken}",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bench:
    address: str
    run: str
    broken: str
    cookies: list[Any]

    def at(self, path: str) -> str:
        return self.address + HOME + path.format(run=self.run, broken=self.broken)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, new_site: Any, browser: Any) -> Iterator[Bench]:
    """A site with a finished run, a failed one, a published edition, a snapshot, an operator, and a worker."""
    home, made = tmp_path_factory.mktemp("bench"), tmp_path_factory.mktemp("made")
    folder = small.build(made / "edition")
    shutil.copytree(made / "edition-snapshot", home / "snapshots" / "autumn")
    kept: list[str] = []

    async def fill(settings: Settings) -> None:
        await create_account("operator", PASSWORD, "operator")
        await publish(settings, folder, lambda edition: (), date(2027, 1, 15))
        kept.append((await finished(settings, folder, note="first look")).id)
        broken = await finished(settings, folder)
        await WorkbenchRun.update(
            {WorkbenchRun.state: "failed", WorkbenchRun.failure: "units row 3 column level: 'Q'; known: R, M, W"}
        ).where(WorkbenchRun.id == broken.id)
        kept.append(broken.id)

    with new_site(home, fill, worker=True) as address:
        yield Bench(address, kept[0], kept[1], signed_in(browser, address, "operator", PASSWORD))


@pytest.mark.parametrize("viewport", VIEWPORTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_and_fits(bench: Bench, browser: Any, language: str, viewport: str) -> None:
    size = VIEWPORTS[viewport]
    with opened(browser, bench.at(""), language=language, viewport=size, cookies=bench.cookies) as page:
        for number, path in enumerate(PATHS):
            page.goto(bench.at(path))
            picture(page, f"workbench-{number:02}-{language}-{viewport}")
            assert page.locator("h1").count() == 1, path
            for fold in page.locator("details").all():
                fold.evaluate("fold => { fold.open = true }")
            assert overflow(page) <= 0, path
            assert overlapping_texts(page) == [], path
            assert not looked_at_by_axe(language, size) or violations(page) == [], path


def test_from_a_snapshot_to_a_published_edition_without_a_script(bench: Bench, browser: Any) -> None:
    with opened(
        browser, f"{bench.address}/staff", language="en", viewport=DESKTOP, script=False, cookies=bench.cookies
    ) as page:
        press(page, "text=Workbench for ratings")
        press(page, "text=Schemes")
        page.set_input_files("#file", files=[
            {"name": "mine.yaml", "mimeType": "application/yaml", "buffer": small.SCHEME.read_bytes()}
        ])  # fmt: skip
        press(page, "text=Check and keep")
        press(page, "text=Rate by it")
        page.fill("#draws", "128")
        press(page, "text=Start the rating")
        wait_until_done(page)
        press(page, "nav >> text=What if")
        page.fill("[id='d:answer']", "0.9")
        press(page, "text=See who moves")
        assert "d%3Aanswer=0.9" in page.url
        assert "d%3Akeep" not in page.url
        assert "How many units would move" in page.inner_text("main")
        page.fill("#version", "2")
        with page.expect_download() as waiting:
            page.click("text=Download the scheme")
        saved = parse_scheme(Path(waiting.value.path()).read_text(encoding="utf-8"))
        assert (saved.version, saved.dimensions[0].weight) == ("2", 0.9)
        press(page, "nav >> text=Overview")
        press(page, "text=Take this run")
        page.fill("#decision", "Taken because it is the only one, and the board agreed.")
        press(page, "text=Take it, and hand it to publishing")
        wait_until_done(page)
        assert "handed to publishing" in page.inner_text("main")


def wait_until_done(page: Any) -> None:
    for _ in range(120):
        state = page.inner_text("main")
        if "under way" not in state and "waiting" not in state:
            break
        page.wait_for_timeout(500)
        page.reload()
    assert "It failed" not in page.inner_text("main")

"""From the thanks to a receipt that verifies everywhere: what every way into a form ends with."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from evaluator import database
from evaluator.collection import slips
from evaluator.collection.sealing import seal
from evaluator.settings import Settings
from tests.browser.conftest import press


def settings_of(address: str, home: Path) -> Settings:
    """Of the site that is served there."""
    return Settings(data_dir=home, base_url=address)


def seal_all(address: str, home: Path, campaign: str) -> None:
    """What a server does after the close, now: the browser's own loop holds this thread."""
    settings = settings_of(address, home)
    database.connect(settings.database)
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(lambda: asyncio.run(seal(settings, campaign, everything=True))).result()


def slip_shown(page: Any) -> slips.Slip:
    """The slip that stands on a page as text, with the withdrawal code where there is one."""
    text = page.locator("pre", has_text="evaluator promise").first.text_content()
    token = page.locator("input[name=code][type=hidden]")
    found = slips.read_slip(text, token=token.first.get_attribute("value") if token.count() else "")
    assert found is not None, text
    return found


def get(address: str) -> bytes:
    with urllib.request.urlopen(address) as answer:
        return bytes(answer.read())


def to_receipt(page: Any, address: str, *, script: bool = True) -> str:
    """From anywhere, on the device that answered, to the text of its one receipt, verified in the page."""
    page.goto(f"{address}/receipt")
    if not script:
        press(page, "main .slip__server button")
    page.wait_for_selector(".slip__verdict--good")
    assert "This receipt holds." in page.inner_text("main") or page.locator("html").get_attribute("lang") != "en"
    numbers = page.locator(".slip__verdict [data-number]").all_inner_texts()
    assert len(numbers) == 3
    assert all(numbers)
    return str(page.locator("pre", has_text="c2sp.org/tlog-proof@v1").first.text_content())


def verified_outside(text: str, address: str, campaign: str, folder: Path) -> list[str]:
    """What the command line and the stand-alone script say of a receipt: the first line of each."""
    key = get(f"{address}/log/campaign/{campaign}/key").decode().strip()
    (folder / "receipt.txt").write_text(text, encoding="utf-8")
    (folder / "verify_receipt.py").write_bytes(get(f"{address}/log/verify_receipt.py"))
    command = "import sys; from evaluator.cli import main; sys.argv[0] = 'evaluator'; main()"
    ways = [
        [sys.executable, "-c", command, "receipt", "verify", "receipt.txt", "--key", key],
        [sys.executable, "-I", "-S", "verify_receipt.py", "receipt.txt", key],
    ]
    root = str(Path(__file__).parents[2])
    said = []
    for way in ways:
        done = subprocess.run(way, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": root, "PATH": ""})
        said.append(f"{done.returncode} {re.sub(r'[.: ].*', '', (done.stdout + done.stderr).splitlines()[0])}")
    return said


VERIFIED = ["0 VERIFIED", "0 VERIFIED"]

"""How long an export for analysis takes, and how much memory: the shipped questionnaire in every format.

    .venv/bin/python -m benchmarks.analysis_export [--responses 100000]

Each export is a process of its own; its memory is the most that it held at once (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from evaluator import database
from evaluator.collection.bulk import store_in_bulk
from evaluator.collection.campaigns import Label, LiveCampaign, create_campaign, load_campaign
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.acceptance import Accepted, accept
from questionnaires.loading import shipped_text
from questionnaires.ordering import orders

OPENS = date(2026, 3, 1)
RUN = "from evaluator.cli import main; main()"


def answers(campaign: LiveCampaign, draw: random.Random) -> dict[str, list[str]]:
    """Somebody who had dealings and answers everything."""
    found = {"contact": ["once"]}
    for question in campaign.questionnaire.questions:
        if question.code != "contact":
            codes = [choice.code for choice in question.choices]
            codes += [str(n) for n in range(11)] if question.type == "scale" else []
            found[question.code] = [draw.choice(codes)]
    return found


def rows(campaign: LiveCampaign, number: int) -> Iterator[ResponseRow]:
    draw = random.Random(1)
    while number:
        accepted = accept(campaign.questionnaire, answers(campaign, draw))
        if isinstance(accepted, Accepted):
            number -= 1
            yield response_row(
                campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
                campaign_code=campaign.code, unit="37", mode="open", day=OPENS + timedelta(draw.randrange(30)),
                duration="longer", orders=orders(campaign.questionnaire, draw.getrandbits(32)),
            )  # fmt: skip


async def prepare(settings: Settings, number: int) -> None:
    await database.upgrade()
    await Unit.insert(Unit(code="37", level="P", name_zh="a"))
    label = Label("a", "b")
    await create_campaign(
        settings, "load", questionnaire=shipped_text("sd-citizen"), units=["37"], opens=OPENS,
        closes=OPENS + timedelta(29), title=label, responsible=label, contact="c",
    )  # fmt: skip
    campaign = await load_campaign("load")
    assert campaign is not None
    await store_in_bulk(settings, rows(campaign, number))


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Seconds, seconds of the processor and most megabytes of one process."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", RUN, *command], env=environment, stdout=subprocess.DEVNULL)
    _pid, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{place}/load.sqlite"
        database.connect(url)
        asyncio.run(prepare(Settings(data_dir=Path(place), database_url=url), given.responses))
        environment = os.environ | {"EVALUATOR_DATABASE_URL": url, "EVALUATOR_DATA_DIR": place}
        *_seconds, idle = measured(["campaign", "list"], environment)
        for form in ("csv", "parquet", "xlsx"):
            out = Path(place) / form
            seconds, busy, most = measured(
                ["campaign", "export", "load", "--out", str(out), "--format", form], environment
            )
            size = (out / f"responses.{form}").stat().st_size / 1e6
            print(
                f"{form:8s} {given.responses:,} responses {seconds:6.1f} s, processor {busy:5.1f} s  {size:6.1f} MB  "
                f"most memory {most:5.0f} MB, {idle:.0f} of them before the first row",
                flush=True,
            )


if __name__ == "__main__":
    main()

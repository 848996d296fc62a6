"""Every public page and the review with all that they ask a database for, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from pathlib import Path

import httpx

from evaluator.accounts.register import create_account
from evaluator.app import Site
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.publication.publishing import publish
from evaluator.records.tables import Event, Import
from evaluator.settings import Settings
from tests.days import local_day
from tests.publication import small_edition as small
from tests.visitor import Visitor
from tests.wiring import site_over

Serving = Callable[[Site], AbstractAsyncContextManager[httpx.AsyncClient]]
NEXT = date(2027, 1, 15)
# page of the edition, or of the site -> what only the database can have told it
PAGES = {
    "/": "Survey of spring", "/find?q=900": "Qinglan", "/editions": "replaced by", "/questionnaires": "Test office",
    "/questionnaires/spring": "Did you find the information", "": "replaces", "/ranking/M": "Qinglan",
    "/map": "Qinglan", "/units/9001": "final, not yet rectified", "/compare?u=9001&u=9002": "Yunze",
    "/indicators/told": "Found part of it",
    "/dimensions/keep": "Wangchuan", "/method": "Weights of the dimensions", "/downloads": "What it changed",
    "/changes": "a record was wrong",
}  # fmt: skip
SITE_WIDE = ("/", "/find", "/editions", "/questionnaires", "/questionnaires/spring")


async def test_every_public_page_and_the_review_are_shown_on_either_database(
    database_url: str, tmp_path: Path, small_folder: Path, revision: Path, serving: Serving
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=database_url)
    site = site_over(settings)
    for folder in (small_folder, revision):
        row = await publish(settings, folder, lambda edition: (), NEXT)
    await small.keep_units()
    drawn = [code for code in small.units()["unit"].tolist() if len(code) == 4]
    small.outlines(settings.data_dir / "outlines.geojson", drawn)
    await create_campaign(
        settings, "spring", questionnaire=(small.SOURCE / "people@1.yaml").read_text(encoding="utf-8"), units=drawn,
        opens=local_day() - timedelta(3), closes=local_day() + timedelta(20),
        title=Label("Spring-zh", "Survey of spring"), responsible=Label("Office-zh", "Test office"),
        contact="office@example.org",
    )  # fmt: skip
    brought = Import(kind="events", file_name="e.csv", sha256="0" * 64, imported_on=NEXT, rows=1, simulated=True)
    await brought.save()
    await Event(
        unit="9001", record="r1", record_class="serious", document_date=NEXT, state="final", state_date=NEXT,
        brought_by=brought.id,
    ).save()  # fmt: skip
    await create_account("region", "correct horse battery staple", "superior", unit=small.REGION)
    here = f"/editions/{row.identifier}"
    async with serving(site) as client:
        for page, told in PAGES.items():
            address = page if page.partition("?")[0] in SITE_WIDE else here + page
            answer = await client.get(address, headers={"accept": "text/html", "accept-language": "en"})
            assert answer.status_code == 200, (address, answer.text[:300])
            assert told in answer.text, address
        superior = Visitor(client, site.state.secret)
        await superior.become("region")
        for address in ("/staff/review", "/staff/review/9001/report", "/staff/review/rule"):
            answer = await superior.get(address)
            assert answer.status_code == 200, (address, answer.text[:300])
        assert "r1" in (await superior.get("/staff/review/9001/report")).text

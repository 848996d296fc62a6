"""The operator's pages: start, look, try, compare, take, delete; and nobody else's."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest

from evaluator.ledger.tables import LogLeaf
from evaluator.publication.publishing import publish
from evaluator.rating import registering
from evaluator.rating.scheme_file import load_scheme, parse_scheme
from evaluator.workbench import places, runs, schemes
from evaluator.workbench.asking import Asker, publication
from evaluator.workbench.tables import WorkbenchRun, WorkbenchScheme
from tests.publication import small_edition as small
from tests.publication.conftest import PUBLISHED_ON
from tests.workbench.conftest import HOME, Visitor, asked, finished, kept_scheme

TABS = ("", "/coverage", "/outliers", "/correlations", "/weights", "/sensitivity", "/movers", "/what-if")
DECISION = "Of three runs this one rests on the most evidence.\nThe expert board agreed on 4 January."


async def logged(what: str) -> list[dict[str, object]]:
    entries = [json.loads(leaf.entry) for leaf in await LogLeaf.objects()]
    return [entry for entry in entries if entry.get("what") == what]


def text_of(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


async def test_only_operators_of_all_units_come_in(light: Visitor) -> None:
    await light.become("superior")
    for path in ("", "/new", "/schemes", "/snapshot"):
        assert (await light.get(path)).status_code == 403
    light.token = ""
    assert (await light.get("")).headers["location"].startswith("/sign-in")
    short = await light.client.get("/workbench", follow_redirects=False)
    assert (short.status_code, short.headers["location"]) == (303, HOME)


async def test_a_rating_is_started_with_snapshot_scheme_and_draws(visitor: Visitor) -> None:
    digest = await kept_scheme()
    form = await visitor.get("/new")
    assert "autumn" in form.text
    assert digest in form.text
    sent = {"snapshot": "autumn", "scheme": digest, "draws": "200", "note": "first look"}
    answer = await visitor.post("/new", sent)
    assert answer.status_code == 303
    [row] = await WorkbenchRun.objects()
    assert answer.headers["location"] == f"{HOME}/runs/{row.id}"
    assert (row.kind, row.state, row.snapshot, row.scheme, row.draws) == ("rating", "waiting", "autumn", digest, 200)
    [entry] = await logged("workbench.rating_asked")
    assert (entry["run"], entry["scheme"], entry["snapshot"]) == (row.id, digest, "autumn")
    assert "first look" not in json.dumps(entry)  # the log is public
    page = await visitor.get(f"/runs/{row.id}")
    assert "It waits for the worker" in page.text
    listed = await visitor.get("")
    assert row.id in listed.text
    assert "first look" in listed.text


async def test_a_shipped_scheme_is_kept_as_it_was_when_it_was_used(light: Visitor) -> None:
    digest, (content, _scheme) = next(iter(schemes.shipped().items()))
    assert (await light.post("/new", {"snapshot": "autumn", "scheme": digest})).status_code == 303
    row = await WorkbenchScheme.objects().get(WorkbenchScheme.sha256 == digest)
    assert row is not None
    assert row.shipped
    assert hashlib.sha256(row.content.encode()).hexdigest() == digest
    assert row.content.encode() == content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"snapshot": "../../etc"}, "Choose a snapshot."),
        ({"snapshot": "winter"}, "Choose a snapshot."),
        ({"scheme": "0" * 64}, "Choose a scheme."),
        ({"draws": "12"}, "Write a whole number from 100 to 100000, or leave it blank."),
        ({"draws": "many"}, "Write a whole number from 100"),
        ({"seed": "-1"}, "Write a whole number from 0"),
        ({"previous": "nothing"}, "This edition is not published."),
        ({"why": "Because."}, "A correction needs both"),
        ({"note": "x" * 501}, "Write at most 500 characters."),
    ],
)
async def test_a_rating_with_a_mistake_is_not_started(light: Visitor, change: dict[str, str], said: str) -> None:
    answer = await light.post("/new", {"snapshot": "autumn", "scheme": await kept_scheme(), **change})
    assert answer.status_code == 422
    assert said in answer.text
    assert not await WorkbenchRun.exists()


async def test_a_scheme_is_kept_under_its_digest_or_refused_with_lines(visitor: Visitor) -> None:
    content = small.SCHEME.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    answer = await visitor.post("/schemes", file=("mine.yaml", content))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/schemes?kept={digest}")
    assert (await visitor.get(f"/schemes/{digest}/scheme.yaml")).content == content
    assert [entry["sha256"] for entry in await logged("workbench.scheme_kept")] == [digest]
    wrong = content.replace(b"dim: answer, w: 0.4", b"dim: answers, w: 0.4", 1)
    answer = await visitor.post("/schemes", file=("../mine.yaml", wrong))
    line = wrong[: wrong.index(b"answers,")].count(b"\n") + 1
    assert answer.status_code == 422
    assert f"mine.yaml:{line} " in answer.text
    assert "did you mean &#39;answer&#39;" in answer.text
    assert await WorkbenchScheme.count() == 1


async def test_a_scheme_is_registered_with_a_reason_and_once(visitor: Visitor) -> None:
    digest = await kept_scheme()
    path = f"/schemes/{digest}/register"
    assert (await visitor.get(path)).status_code == 200
    answer = await visitor.post(path, {"why": "  "})
    assert (answer.status_code, "Say why this scheme" in answer.text) == (422, True)
    assert await logged("scheme.registered") == []
    answer = await visitor.post(path, {"why": "As the law has it."})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/schemes/{digest}")
    [entry] = await logged("scheme.registered")
    assert (entry["sha256"], entry["why"]) == (digest, "As the law has it.")
    assert entry["by"].startswith("operator ")
    assert (await visitor.get(path)).headers["location"] == f"/schemes/{digest}"
    assert (await visitor.get(f"/schemes/{'0' * 64}/register")).status_code == 404
    assert (await visitor.post(f"/schemes/{'0' * 64}/register", {"why": "x"})).status_code == 404
    other = await kept_scheme(small.SCHEME.read_text(encoding="utf-8") + "# more")
    answer = await visitor.post(f"/schemes/{other}/register", {"why": "x"})
    assert (answer.status_code, "with other bytes" in answer.text) == (422, True)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"a: [", b"!!python/object/apply:os.system ['true']", b"x\x00y", b"[" * 5000,
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nlevels: *c\n", b"&a [*a]", b"levels: &l {x: *l}",
    ],
)  # fmt: skip
async def test_no_file_breaks_the_upload(light: Visitor, content: bytes) -> None:
    answer = await light.post("/schemes", file=("odd.yaml", content))
    assert answer.status_code == 422
    assert not await WorkbenchScheme.exists()


async def test_a_large_file_is_refused(light: Visitor) -> None:
    answer = await light.post("/schemes", file=("big.yaml", b"#" * (registering.MOST_BYTES + 1)))
    assert answer.status_code == 422
    assert "a scheme has at most 1,000,000" in answer.text
    assert (await light.post("/schemes", file=("big.yaml", b"#" * 3_000_000))).status_code == 413


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_page_of_a_finished_run_is_shown(light: Visitor, made: Path, second: Path, language: str) -> None:
    run = await finished(light.settings, made / "edition")
    other = await finished(light.settings, second)
    await publish(light.settings, second, lambda folder: (), PUBLISHED_ON)
    for tab in TABS:
        answer = await light.get(f"/runs/{run.id}{tab}", language)
        assert answer.status_code == 200, (tab, text_of(answer)[:500])
    for level in "RMW":
        for tab in TABS[1:5]:
            answer = await light.get(f"/runs/{run.id}{tab}?level={level}", language)
            assert answer.status_code == 200, (tab, level, text_of(answer)[:500])
    answer = await light.get(f"/compare?a={run.id}&b={other.id}", language)
    assert answer.status_code == 200
    if language == "en":
        assert "nothing here is chance" in answer.text
    for path in ("", "/new", "/schemes", "/snapshot", f"/runs/{run.id}/take", f"/runs/{run.id}/delete"):
        assert (await light.get(path, language)).status_code == 200


async def test_a_look_says_what_the_edition_holds(light: Visitor, made: Path) -> None:
    run = await finished(light.settings, made / "edition")
    coverage = text_of(await light.get(f"/runs/{run.id}/coverage?level=W"))
    assert "Units that lack numbers or evidence" in coverage
    assert small.SILENT in coverage
    weights = text_of(await light.get(f"/runs/{run.id}/weights?level=M"))
    assert "Effective weights of dimensions" in weights
    assert "40.0%" in weights  # the weight of the first dimension as the scheme has it
    sensitivity = text_of(await light.get(f"/runs/{run.id}/sensitivity"))
    assert "without the indicator Information found" in sensitivity
    assert "What the choice of each comes to" in sensitivity
    movers = text_of(await light.get(f"/runs/{run.id}/movers"))
    assert "No edition is published yet." in movers


async def test_movers_are_told_against_the_published_edition(light: Visitor, made: Path, second: Path) -> None:
    run = await finished(light.settings, second)
    row = await publish(light.settings, made / "edition", lambda folder: (), PUBLISHED_ON)
    text = text_of(await light.get(f"/runs/{run.id}/movers"))
    assert str(row.identifier) in text
    assert "The same data, another scheme" in text
    assert (await light.get(f"/runs/{run.id}/movers?with=none")).status_code == 404


async def test_the_address_of_what_if_holds_what_was_changed(light: Visitor, made: Path) -> None:
    run = await finished(light.settings, made / "edition")
    answer = await light.get(f"/runs/{run.id}/what-if?level=M&d:answer=0.9&d:keep=0.4&i:told=0.4&i:kept=0.7")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{HOME}/runs/{run.id}/what-if?level=M&d%3Aanswer=0.9&i%3Akept=0.7"
    page = await light.get(answer.headers["location"].removeprefix(HOME))
    assert "Who would move most: Municipality" in text_of(page)
    wrong = await light.get(f"/runs/{run.id}/what-if?level=M&d:answer=lots")
    assert "“lots” is no weight; write a number above 0" in wrong.text
    assert (await light.get(f"/runs/{run.id}/what-if?level=X")).status_code == 404


async def test_what_if_is_saved_as_a_scheme_of_another_version(light: Visitor, made: Path) -> None:
    run = await finished(light.settings, made / "edition")
    base = f"/runs/{run.id}/what-if/scheme.yaml"
    answer = await light.get(f"{base}?d:answer=0.9&d:W:keep=0.2&i:told=0.55&version=2-trial", accept="*/*")
    assert answer.status_code == 200
    assert 'filename="small-2-trial.yaml"' in answer.headers["content-disposition"]
    saved, before = parse_scheme(answer.text), load_scheme(small.SCHEME)
    assert saved.version == "2-trial"
    assert [one.weight for one in saved.dimensions] == [0.9, 0.4, 0.2]
    assert saved.weights_by_level == {"W": {"answer": 0.5, "keep": 0.2}}
    assert saved.indicators[0].weight == 0.55
    assert saved.indicators[1:] == before.indicators[1:]
    assert answer.text.startswith("# A small scheme")  # comments are kept
    for query in ("?d:answer=0.9&version=1", "?d:answer=0.9&version=%22", "?version=2", "?d:answer=0&version=2"):
        assert (await light.get(base + query)).status_code == 422


async def test_of_two_who_take_a_run_at_once_one_does(visitor: Visitor, made: Path) -> None:
    run = await finished(visitor.settings, made / "edition")
    who = Asker(run.asked_by, "operator 1")
    told = await asyncio.gather(*(publication(visitor.settings, run, DECISION, who) for _ in range(2)))
    assert sorted(handing is None for handing, _wrong in told) == [False, True]


async def test_a_run_is_taken_with_its_reason(visitor: Visitor, made: Path) -> None:
    run = await finished(visitor.settings, made / "edition")
    short = await visitor.post(f"/runs/{run.id}/take", {"decision": "Yes."})
    assert short.status_code == 422
    assert "Write what was decided and why" in short.text
    answer = await visitor.post(f"/runs/{run.id}/take", {"decision": DECISION.replace("\n", "\r\n")})
    assert answer.status_code == 303
    handing = await runs.find(answer.headers["location"].rpartition("/")[2])
    assert (handing.kind, handing.source, handing.decision) == ("publication", run.id, DECISION)
    [entry] = await logged("workbench.publication_asked")
    assert (entry["of"], entry["edition"]) == (run.id, run.edition)
    again = await visitor.post(f"/runs/{run.id}/take", {"decision": DECISION})
    assert again.status_code == 422
    assert "is being handed over, or was already" in again.text
    assert (await visitor.get(f"/runs/{handing.id}")).status_code == 200


async def test_a_run_is_deleted_with_its_figures_but_not_while_it_works(visitor: Visitor, made: Path) -> None:
    run = await finished(visitor.settings, made / "edition")
    waiting = await asked(visitor.settings)
    assert (await visitor.post(f"/runs/{waiting.id}/delete")).status_code == 409
    assert (await visitor.post(f"/runs/{run.id}/delete")).headers["location"] == f"{HOME}?deleted"
    assert not places.run_folder(visitor.settings, run.id).exists()
    assert (await visitor.get(f"/runs/{run.id}")).status_code == 404
    assert [entry["run"] for entry in await logged("workbench.run_deleted")] == [run.id]
    assert (await visitor.post(f"/runs/{waiting.id}/cancel")).status_code == 303
    assert (await runs.find(waiting.id)).state == "cancelled"
    assert (await visitor.post(f"/runs/{waiting.id}/delete")).status_code == 303


async def test_what_went_wrong_is_shown(light: Visitor) -> None:
    run = await asked(light.settings)
    await WorkbenchRun.update({WorkbenchRun.state: "failed", WorkbenchRun.failure: "units row 3: <b>\nmend it"}).where(
        WorkbenchRun.id == run.id
    )
    page = await light.get(f"/runs/{run.id}")
    assert "units row 3: &lt;b&gt;" in page.text
    assert "Start it anew" in page.text
    assert (await light.get(f"/runs/{run.id}/weights")).status_code == 409


async def test_a_folder_that_was_tampered_with_is_told_not_a_crash(light: Visitor, made: Path) -> None:
    run = await finished(light.settings, made / "edition")
    (places.run_folder(light.settings, run.id) / "edition.json").write_text("{}")
    for tab in TABS:
        assert (await light.get(f"/runs/{run.id}{tab}")).status_code == 409


@pytest.mark.parametrize("path", ["/runs/nothing", "/runs/..%2f..", "/runs/a%00b", "/compare?a=x&b=y", "/compare"])
async def test_what_does_not_exist_is_not_found(light: Visitor, path: str) -> None:
    assert (await light.get(path)).status_code in (400, 404)


async def test_a_snapshot_is_asked_for_by_campaign_and_period(light: Visitor) -> None:
    wrong = await light.post("/snapshot", {"name": "../x", "from": "2026-13-01", "to": "2026-01-01"})
    assert wrong.status_code == 422
    for said in ("Use letters, digits", "Tick one campaign", "Write a day as 2026-10-01"):
        assert said in wrong.text
    taken = await light.post("/snapshot", {"name": "autumn", "from": "2026-02-01", "to": "2026-01-01"})
    assert "There is a snapshot of this name already." in taken.text
    assert "The period ends before it begins." in taken.text

"""Points of a review: by what is known only, by a rule that is printed, versioned and logged."""

from __future__ import annotations

import json
import math
import re
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from evaluator.accounts.register import create_account
from evaluator.accounts.tables import Account
from evaluator.app import Site
from evaluator.ledger.tables import LogLeaf
from evaluator.publication import review_changes, review_lines, review_rule, review_rules
from evaluator.publication.editions import Edition, read_edition
from evaluator.publication.publishing import publish
from evaluator.publication.review_changes import Change
from evaluator.publication.review_rule import Rule, from_form, points_of
from evaluator.publication.review_rules import AS_SHIPPED
from evaluator.publication.tables import ReviewRule
from evaluator.rating.tables import PublishedEdition
from evaluator.records.outstanding import Outstanding, outstanding
from evaluator.records.tables import Event, Import
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.days import local_day
from tests.publication import small_edition as small
from tests.publication.conftest import PUBLISHED_ON
from tests.publication.test_exports import read_workbook

PASSWORD = "correct horse battery staple"
TODAY = date(2027, 3, 1)
WORSE, BETTER = "9001", "9004"  # how these were a year before: much worse, much better
EARLIER = (date(2025, 1, 1), date(2025, 12, 31))
SURE = Change("index", 60.0, 70.0, 10.0, 5.0, 15.0, True, 1.0)


@pytest.fixture(scope="session")
def earlier_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The edition of the year before, under the same scheme."""
    moved = {WORSE: -0.3, BETTER: 0.3}
    return small.build(tmp_path_factory.mktemp("earlier") / "edition", period=EARLIER, moved=moved)


@pytest.fixture(scope="session")
def since(earlier_folder: Path, edition: Edition) -> review_changes.Since:
    return review_changes.compared(read_edition(earlier_folder, "before"), edition)


def points(rule: Rule, edition: Edition, code: str, change: Change | None = None, overdue: int = 0):
    return points_of(rule, edition, edition.ratings[code], change, overdue)


def ranked(edition: Edition, level: str = "M") -> list[str]:
    return [code for code in edition.order[level] if edition.ratings[code].state == "ok"]


def test_units_of_one_tier_have_one_base_and_a_better_tier_more(edition: Edition) -> None:
    by_tier: dict[int, set[float]] = {}
    for code in ranked(edition):
        by_tier.setdefault(int(edition.ratings[code].tier), set()).add(points(Rule(), edition, code).base)
    assert all(len(found) == 1 for found in by_tier.values())
    bases = [by_tier[tier].pop() for tier in sorted(by_tier)]
    assert bases == sorted(bases, reverse=True)
    assert (bases[0], bases[-1]) == ((100, 60) if len(bases) > 1 else (80, 80))


def test_no_difference_that_is_not_real_decides_points(edition: Edition) -> None:
    noise = msgspec.structs.replace(SURE, real=False, lower=None, upper=None)
    for code in ranked(edition):
        assert points(Rule(), edition, code, noise) == points(Rule(), edition, code)
    a, b = (edition.ratings[code] for code in ranked(edition)[:2])
    alike = msgspec.structs.replace(b, tier=a.tier, index=a.index - 9, vetoes=a.vetoes)
    assert points_of(Rule(), edition, alike, None, 0) == points_of(Rule(), edition, a, None, 0)


def test_real_changes_vetoes_and_overdue_rectifications_count_as_the_rule_says(edition: Edition) -> None:
    code = next(code for code in reversed(ranked(edition)) if not edition.ratings[code].vetoes)
    rule = Rule(most=200, least=-100)
    base = points(rule, edition, code).base
    assert points(rule, edition, code, SURE).total == base + 5
    assert points(rule, edition, code, msgspec.structs.replace(SURE, difference=-10.0)).total == base - 5
    assert [points(rule, edition, code, None, n).rectifications for n in (0, 1, 4, 5, 50)] == [0, -2, -8, -10, -10]
    capped = points(rule, edition, small.CAPPED)
    assert (capped.vetoes, capped.total) == (-10, capped.base - 10)
    assert points(Rule(least=95, worst=95), edition, code, None, 9).total == 95


@pytest.mark.parametrize("basis", ["tier", "grade"])
def test_a_unit_with_insufficient_evidence_gets_no_points_which_is_not_zero(edition: Edition, basis: str) -> None:
    silent = points(Rule(basis=basis), edition, small.SILENT, SURE, 3)  # type: ignore[arg-type]
    assert not silent.given
    assert math.isnan(silent.total)
    assert silent.why_none == edition.ratings[small.SILENT].state == "insufficient_evidence"


def test_a_grade_that_is_not_sure_earns_the_mean_with_the_grade_next_to_it(edition: Edition) -> None:
    rule = Rule(basis="grade", best=100, worst=40)  # A 100, B 80, C 60, D 40; bands 80, 68, 55
    rating = edition.ratings[ranked(edition)[0]]

    def base(grade: str, index: float, probability: float) -> float:
        given = msgspec.structs.replace(rating, grade=grade, index=index, grade_probability=probability)
        return points_of(rule, edition, given, None, 0).base

    assert [base("A", 85, 0.95), base("B", 75, 0.8), base("D", 40, 0.99)] == [100, 80, 40]
    assert base("A", 81, 0.6) == base("B", 79, 0.6) == 90
    assert base("B", 69, 0.6) == base("C", 67, 0.5) == 70


def form(**fields: str) -> dict[str, str]:
    return {name: str(getattr(Rule(), name)) for name in Rule.__struct_fields__} | fields


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"basis": "luck"}, ["basis"]),
        ({"best": "many", "veto": ""}, ["best", "veto"]),
        ({"veto": "-3", "sure": "1.5", "overdue_days": "2.5"}, ["sure", "veto", "overdue_days"]),
        ({"best": "nan"}, ["best"]),
        ({"best": "1e9"}, ["best"]),
        ({"worst": "101"}, ["worst"]),
        ({"least": "120"}, ["least"]),
        ({"most": "90"}, ["best"]),
    ],
)
def test_a_rule_that_cannot_be_is_refused_field_by_field(fields: dict[str, str], wrong: list[str]) -> None:
    _rule, found = from_form(form(**fields))
    assert sorted(problem.pointer for problem in found) == sorted(wrong)


def test_a_form_with_what_is_in_force_is_the_rule_in_force() -> None:
    assert from_form(form()) == (Rule(), ())
    assert from_form(form(basis="grade", decline="0", best="95.5"))[0] == Rule(basis="grade", decline=0, best=95.5)


def test_what_really_changed_since_the_year_before_is_found_and_noise_is_not(since, edition: Edition) -> None:
    assert since.before.startswith("small-2025")
    fell, rose = since.change(BETTER), since.change(WORSE)
    assert (rose.real, rose.difference > 5) == (True, True)
    assert (fell.real, fell.difference < -5) == (True, True)
    assert rose.lower is not None
    assert 0 < rose.lower < rose.difference < rose.upper
    others = [c for code in ranked(edition) if code not in (WORSE, BETTER) and (c := since.change(code))]
    assert others
    assert not any(one.real for one in others)


def test_changes_are_computed_once_and_kept(earlier_folder: Path, edition: Edition, tmp_path: Path, since) -> None:
    before = read_edition(earlier_folder, "1" * 64)
    first = review_changes.since(tmp_path, before, edition)
    [path] = tmp_path.iterdir()
    review_changes._kept.clear()
    assert review_changes.since(tmp_path, before, edition) == first == since
    path.write_text("{broken")
    review_changes._kept.clear()
    assert review_changes.since(tmp_path, before, edition) == since


def row(identifier: str, year: int, supersedes: str = "") -> PublishedEdition:
    return PublishedEdition(
        identifier=identifier, title_zh="x", title_en="x", period_from=date(year, 1, 1), period_to=date(year, 12, 31),
        published_on=date(year + 1, 1, 15), sums_sha256="0" * 64, supersedes=supersedes,
    )  # fmt: skip


def test_the_edition_before_is_the_last_one_of_an_earlier_period_or_what_replaced_it(edition: Edition) -> None:
    old, last, mended = row("a", 2024), row("b", 2025), row("c", 2025, "b")
    assert review_changes.earlier(edition, [row("x", 2026), row("y", 2027)]) is None
    assert review_changes.earlier(edition, [old, last]).identifier == "b"
    assert review_changes.earlier(edition, [old, last, mended]).identifier == "c"


def test_the_first_to_look_at_are_those_with_a_reason_in_the_documented_order(edition: Edition, since) -> None:
    late = Outstanding(ranked(edition)[0], "r1", "general", date(2026, 1, 1), "final", date(2026, 1, 2), True)
    waiting = {late.unit: (late,)}
    made = review_lines.build(edition, edition.order["M"], AS_SHIPPED, since, waiting, TODAY)
    first = review_lines.look_first(made, edition.order["M"])
    codes = [line.unit.code for line in first]
    assert codes[:2] == [small.CAPPED, BETTER]
    assert all(review_lines.reasons(line) for line in first)
    assert all(not review_lines.reasons(line) for code, line in made.lines.items() if code not in codes)
    likely = [line.lowest >= 0.5 for line in first[2:]]
    assert likely == sorted(likely, reverse=True)


# On the site ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def staff(client: AsyncTestClient[Site], settings: Settings, earlier_folder: Path) -> AsyncTestClient[Site]:
    """The site with this year's and last year's edition, records, and superiors of the region and of a city."""
    await publish(settings, earlier_folder, lambda folder: (), PUBLISHED_ON.replace(year=2026))
    await small.keep_units()
    await create_account("region", PASSWORD, "superior", unit=small.REGION)
    await create_account("city", PASSWORD, "superior", unit="9001")
    await create_account("operator", PASSWORD, "operator")
    brought = Import(kind="events", file_name="e.csv", sha256="0" * 64, imported_on=TODAY, rows=3, simulated=True)
    await brought.save()
    today = local_day()
    for record, unit, state, age in (
        ("late", "900101", "final", 400), ("new", "900101", "final", 3), ("theirs", "900101", "contested", 400),
        ("done", "900101", "rectified", 400), ("other", "900201", "final", 400),
    ):  # fmt: skip
        since_day = today - timedelta(age)
        await Event(
            unit=unit, record=record, record_class="general", document_date=since_day, state=state,
            state_date=since_day, brought_by=brought.id,
        ).save()  # fmt: skip
    return client


async def sign_in(client: AsyncTestClient[Site], name: str) -> str:
    """Signed in; the token that forms carry."""
    await client.post("/sign-in", data={"name": name, "password": PASSWORD}, follow_redirects=False)
    page = await client.get("/staff/review/rule", headers={"Accept": "text/html"})
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def test_rectifications_are_read_live_and_only_of_ones_own_units(staff, edition: Edition) -> None:
    await sign_in(staff, "city")
    told = (await staff.get("/staff/review/9001/rectifications.json")).json()["rectifications"]
    assert [(one["record"], one["overdue"]) for one in told] == [("late", True), ("theirs", False), ("new", False)]
    rows = {one["unit"]: one for one in (await staff.get("/staff/review/9001/ratings.json")).json()["ratings"]}
    assert (rows["900101"]["open_records"], rows["900101"]["overdue_records"]) == (3, 1)
    await Event.update({Event.state: "rectified"}).where(Event.record == "late")
    rows = {one["unit"]: one for one in (await staff.get("/staff/review/9001/ratings.json")).json()["ratings"]}
    assert (rows["900101"]["open_records"], rows["900101"]["overdue_records"]) == (2, 0)
    assert "other" not in (await staff.get("/staff/review/9001/rectifications.csv")).text


async def test_the_page_the_files_and_the_report_print_the_rule_and_agree_on_the_points(staff, edition) -> None:
    await sign_in(staff, "region")
    english = {"Accept-Language": "en"}
    data = (await staff.get("/staff/review/90/ratings.json?level=M", headers=english)).json()
    rule = data["rule"]["in_words"]
    assert data["compared_with"].startswith("small-2025")
    assert data["rule"]["version"] == 0
    page = (await staff.get("/staff/review?level=M", headers=english)).text
    report = (await staff.get(f"/staff/review/{WORSE}/report", headers=english)).text
    book = read_workbook((await staff.get("/staff/review/90/ratings.xlsx?level=M", headers=english)).content)
    notes = [str(line[1]) for line in next(iter(book.values()))]
    for text in rule:
        assert text in page
        assert text in report
        assert text in notes
    sheet = list(book.values())[1]
    at = {name: number for number, name in enumerate(sheet[2])}
    for line, told in zip(sheet[3:], data["ratings"], strict=True):
        assert (line[0], line[at["Points"]] or None) == (told["unit"], told["points"])
    told = {one["unit"]: one for one in data["ratings"]}
    assert (told[WORSE]["change_is_real"], told[WORSE]["points_change"]) == ("yes", 5)
    assert "rose by" in report
    assert len(book) == 8  # four sheets in each language
    chinese = list(book.values())[5]
    assert [line[0] for line in chinese[3:]] == [line[0] for line in sheet[3:]]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese[2][3])


async def test_a_rule_is_looked_at_kept_versioned_logged_and_used(staff, settings) -> None:
    csrf = await sign_in(staff, "city")
    english = {"Accept-Language": "en"}
    sent = {**form(best="90", worst="10"), "csrf": csrf, "why": ""}
    looked = await staff.post("/staff/review/rule", data={**sent, "preview": "1"}, headers=english)
    assert "Nothing is kept yet." in looked.text
    assert await ReviewRule.count() == 0
    refused = await staff.post("/staff/review/rule", data=sent, headers={**english, "Accept": "text/html"})
    assert (refused.status_code, "Say why the rule changes" in refused.text) == (422, True)
    for why in ("first", "the same again"):
        kept = await staff.post("/staff/review/rule", data={**sent, "why": why}, follow_redirects=False)
        assert kept.status_code == 303
    await staff.post("/staff/review/rule", data={**sent, "best": "80", "why": "secret reason"})
    assert [(one.version, one.why) for one in await review_rules.versions("9001")] == [
        (2, "secret reason"), (1, "first"),
    ]  # fmt: skip
    data = (await staff.get("/staff/review/9001/ratings.json")).json()
    assert (data["rule"]["version"], data["rule"]["best"], data["rule"]["scope"]) == (2, 80, "9001")
    entries = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == "audit").order_by(LogLeaf.position)
    told = [one for row in entries if (one := json.loads(row["entry"]))["what"] == "review.rule_kept"]
    assert [(one["version"], one["sha256"], one["scope"]) for one in told] == [
        (v.version, v.sha256, "9001") for v in reversed(await review_rules.versions("9001"))
    ]
    assert "secret reason" not in json.dumps(told)


async def test_another_superior_keeps_its_own_rule_and_the_operators_holds_where_there_is_none(staff) -> None:
    settings = staff.app.state.settings
    accounts = {name: await Account.objects().get(Account.name == name) for name in ("region", "city", "operator")}
    assert (await review_rules.in_force(accounts["city"])).version == 0
    await review_rules.keep_rule(settings, accounts["operator"], Rule(best=70), "house", TODAY)
    await review_rules.keep_rule(settings, accounts["region"], Rule(best=99), "ours", TODAY)
    assert (await review_rules.in_force(accounts["city"])).rule.best == 70
    assert (await review_rules.in_force(accounts["region"])).rule.best == 99
    assert review_rule.digest(Rule(best=70)) != review_rule.digest(Rule())


FOREIGN = [
    f"/staff/review/{unit}{end}"
    for unit in ("9002", "900201", small.REGION, "nobody")
    for end in ("", "/report", *(f"/ratings.{f}" for f in ("csv", "json", "xlsx", "parquet")), "/rectifications.json",
                "/rectifications.csv")
]  # fmt: skip


async def test_no_address_and_no_format_shows_another_jurisdiction(staff) -> None:
    await sign_in(staff, "city")
    for path in FOREIGN:
        for headers in ({"Accept": "text/html"}, {}):
            answer = await staff.get(path, headers=headers, follow_redirects=False)
            assert answer.status_code == 403, path
    own = ["", "/report", "/ratings.json", "/ratings.csv", "/rectifications.json", "/rectifications.csv"]
    for end in own:
        text = (await staff.get(f"/staff/review/9001{end}")).text
        assert "900201" not in text
        assert "9002" not in text.replace("9001", ""), end


async def test_nothing_of_an_edition_that_is_not_published_is_reviewed(staff, published: str) -> None:
    await PublishedEdition.update({PublishedEdition.state: "draft"}).where(PublishedEdition.identifier == published)
    await sign_in(staff, "city")
    for end in ("/ratings.json", "/rectifications.json", "/report", ""):
        path = f"/staff/review/9001{end}"
        assert (await staff.get(f"{path}?edition={published}")).status_code == 404
        assert published not in (await staff.get(path)).text


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "offset=-1", "limit=999999", "offset=%C2%B2"])
async def test_a_window_that_cannot_be_is_refused(staff, query: str) -> None:
    await sign_in(staff, "region")
    answer = await staff.get(f"/staff/review/90/ratings.json?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["detail"]


async def test_outstanding_records_are_the_same_on_both_engines(database_url: str) -> None:
    await Unit(code="37", level="P", name_zh="x").save()
    brought = Import(kind="events", file_name="e.csv", sha256="0" * 64, imported_on=TODAY, rows=3)
    await brought.save()
    for number, state in enumerate(("alleged", "contested", "final", "rectified", "repaired", "expired", "final")):
        await Event(
            unit="37", record=f"r{number}", record_class="general", document_date=TODAY, state=state,
            state_date=TODAY - timedelta(number), brought_by=brought.id,
        ).save()  # fmt: skip
    assert [one.record for one in (await outstanding(["37"]))["37"]] == ["r6", "r2", "r1"]
    assert await outstanding(["38"]) == {}


async def test_versions_of_a_rule_are_the_same_on_both_engines(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    await Unit(code="37", level="P", name_zh="x").save()
    account = await create_account("lead", PASSWORD, "superior", unit="37")
    for best in (90.0, 90.0, 80.0):
        await review_rules.keep_rule(settings, account, Rule(best=best), "why", TODAY)
    assert [one.version for one in await review_rules.versions("37")] == [2, 1]
    assert (await review_rules.in_force(account)).rule == Rule(best=80)

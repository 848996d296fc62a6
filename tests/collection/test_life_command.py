"""A campaign's life on the command line: each step, its exit code, and what is said when it cannot be."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from evaluator.collection.rules import shipped_rules
from questionnaires.loading import shipped_text
from tests.collection.test_command_line import run  # noqa: F401
from tests.days import local_day

TODAY = local_day()
NEW = [
    "campaign", "new", "spring", "-q", "sd-citizen", "--under", "37", "--level", "C",
    "--opens", str(TODAY - timedelta(3)), "--closes", str(TODAY + timedelta(20)),
    "--title-zh", "a", "--title-en", "b", "--responsible-zh", "c", "--responsible-en", "d", "--contact", "e",
]  # fmt: skip


def promised(run) -> dict:  # noqa: F811
    result = run("campaign", "manifest", "spring")
    assert result.exit_code == 0, result.output
    assert "the database says the same" in result.stderr
    return json.loads(result.stdout)


def test_a_draft_is_opened_paused_resumed_and_closed(run, tmp_path) -> None:  # noqa: F811
    result = run(*NEW, "--draft", "--target", "400")
    assert (result.exit_code, "evaluator campaign open spring" in result.output) == (0, True), result.output
    nothing = run("campaign", "manifest", "spring")
    assert (nothing.exit_code, "no manifest was logged" in nothing.stderr) == (1, True)
    for deed in ("open", "pause", "resume", "close"):
        result = run("campaign", deed, "spring")
        assert (result.exit_code, "campaign spring" in result.output) == (0, True), result.output
    said = promised(run)
    assert (said["closes"], said["closed_early"]) == (TODAY.isoformat(), True)
    assert said["units"] == [{"unit": "3701", "target": 400}, {"unit": "3702", "target": 400}]
    out = tmp_path / "manifest.json"
    assert run("campaign", "manifest", "spring", "--out", str(out)).exit_code == 0
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert f"SHA-256 {digest}, logged on {TODAY}, number 2" in run("campaign", "manifest", "spring").stderr
    assert run("campaign", "manifest", "spring", "--out", str(out)).exit_code == 2  # it is there already


def test_what_cannot_be_says_what_would_be_right(run) -> None:  # noqa: F811
    assert run(*NEW).exit_code == 0
    for deed, words in (("open", "there is nothing to open"), ("resume", "there is nothing to resume")):
        result = run("campaign", deed, "spring")
        assert result.exit_code == 2
        assert words in str(result.exception)
    assert run("campaign", "pause", "autumn").exit_code == 2
    assert run("campaign", "change", "spring", "--contact", "x").exit_code == 2  # no reason


def test_targets_and_rules_come_from_files(run, tmp_path: Path) -> None:  # noqa: F811
    targets, rules = tmp_path / "targets.csv", tmp_path / "rules.yaml"
    targets.write_text("unit,target\n370200,90\n")
    rules.write_text("exclusion:\n  - {code: test_entry, zh: x, en: Ours}\n  - {code: mine, zh: y, en: Mine}\n")
    assert run(*NEW, "--target", "400", "--targets", str(targets), "--rules", str(rules)).exit_code == 0
    said = promised(run)
    assert [unit["target"] for unit in said["units"]] == [400, 90]
    texts = {rule["code"]: rule["en"] for rule in said["exclusion"]}
    assert (texts["test_entry"], texts["mine"]) == ("Ours", "Mine")
    assert len(texts) == len(shipped_rules().exclusion) + 1


@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        ("--targets", "unit,target\n9999,4\n", ["row 2", "is no unit of this campaign"]),
        ("--targets", "unit,target\n3701,4\n3701,5\n", ["row 3", "row 2"]),
        ("--targets", "unit,targets\n3701,4\n", ["targets", "did you mean target?"]),
        ("--targets", "unit,target\n3701,-4\n", ["row 2", "write a number from 0"]),
        ("--targets", "unit,target\n3701,4000000\n", ["row 2", "at most 1,000,000"]),
        ("--rules", "exclusions: []\n", ["bad exclusions", "did you mean exclusion?"]),
        ("--rules", "exclusion: {a: 1}\n", ["begin each rule with `- code:`"]),
        ("--rules", "exclusion: [{code: A, zh: x, en: y}]\n", ["bad exclusion 1 code", "a small letter"]),
        ("--rules", "exclusion: [{code: a, zh: x}]\n", ["bad exclusion 1", "a rule has code, zh and en"]),
        ("--rules", "exclusion: [{code: a, zh: '', en: y}]\n", ["bad exclusion 1 zh", "is blank"]),
        ("--rules", "exclusion: [{code: a, zh: x, en: y}, {code: a, zh: x, en: y}]\n", ["write each rule once"]),
        ("--rules", "thresholds: {cell_min: 3}\n", ["bad thresholds cell_min", "from 5 to 1000"]),
        ("--rules", "thresholds: {cell_min: ten}\n", ["write a whole number"]),
        ("--rules", "thresholds: {cellmin: 10}\n", ["did you mean cell_min?"]),
        ("--rules", "exclusion: [\n", ["bad:", "is not YAML"]),
        ("--rules", "- 1\n", ["holds no fields"]),
    ],
)
def test_a_bad_file_is_refused_by_place(run, tmp_path, option, content, words) -> None:  # noqa: F811
    file = tmp_path / "bad"  # its name stands before each place
    file.write_text(content)
    result = run(*NEW, option, str(file))
    assert result.exit_code == 2
    for word in words:
        assert word in result.output, result.output
    assert run("campaign", "manifest", "spring").exit_code == 2  # there is no such campaign


def test_an_opened_campaign_changes_with_a_reason(run, tmp_path) -> None:  # noqa: F811
    assert run(*NEW).exit_code == 0
    later = TODAY + timedelta(30)
    result = run(
        "campaign", "change", "spring", "--closes", str(later), "--target", "50", "--unit", "370102", "--without",
        "3702", "--title-en", "Better", "--reason", "Few letters arrived.",
    )  # fmt: skip
    assert result.exit_code == 0, result.output + str(result.exception)
    said = promised(run)
    assert said["closes"] == later.isoformat()
    assert said["units"] == [{"unit": "3701", "target": 50}, {"unit": "370102", "target": 50}]
    assert said["title"] == {"zh": "a", "en": "Better"}
    again = run("campaign", "change", "spring", "--closes", str(later), "--reason", "The same.")
    assert "nothing of what is logged changed" in again.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "nothing is to be changed"),
        (["--opens", str(TODAY)], "the first day cannot change any more"),
        (["--closes", str(TODAY - timedelta(1))], "is over"),
        (["--kept-months", "36"], "it can only be made shorter"),
        (["--unit", "9999"], "is no unit; import it first"),
        (["--without", "9999"], "is no unit of this campaign"),
        (["--without", "3701", "--without", "3702"], "none would be left"),
        (["--title-zh", " "], "is blank"),
    ],
)
def test_a_change_that_breaks_a_promise_is_refused(run, options, words) -> None:  # noqa: F811
    assert run(*NEW).exit_code == 0
    before = promised(run)
    result = run("campaign", "change", "spring", "--reason", "Because.", *options)
    assert (result.exit_code, words in result.output) == (2, True), result.output
    assert promised(run) == before


def test_rules_cannot_be_made_for_the_answers(run, tmp_path) -> None:  # noqa: F811
    rules = tmp_path / "rules.yaml"
    rules.write_text("exclusion: [{code: angry, zh: x, en: y}]\n")
    assert run(*NEW).exit_code == 0
    result = run("campaign", "change", "spring", "--rules", str(rules), "--reason", "They are angry.")
    assert (result.exit_code, "could be made for the answers" in result.output) == (2, True)


def test_a_unit_that_was_rated_or_invited_for_stays(run, tmp_path) -> None:  # noqa: F811
    assert run(*NEW).exit_code == 0
    assert run("campaign", "codes", "spring", "-u", "3701", "-n", "2", "--out", str(tmp_path / "c.csv")).exit_code == 0
    result = run("campaign", "change", "spring", "--without", "3701", "--reason", "Because.")
    assert (result.exit_code, "it must stay" in result.output) == (2, True)


def test_a_draft_takes_a_version_that_compares_with_nothing(run, tmp_path) -> None:  # noqa: F811
    other = tmp_path / "service.yaml"
    other.write_text(shipped_text("sd-service"))
    assert run(*NEW, "--draft").exit_code == 0
    assert run("campaign", "move", "spring", str(other)).exit_code == 0
    assert run("campaign", "open", "spring").exit_code == 0
    assert promised(run)["questionnaire"]["identifier"].startswith("sd-service@")
    versions = run("campaign", "versions", "spring").output
    assert len([line for line in versions.splitlines() if "@" in line]) == 1


def test_the_old_name_still_makes_campaigns(run) -> None:  # noqa: F811
    assert run("campaign", "create", *NEW[2:]).exit_code == 0
    assert "create" not in run("campaign", "--help").output.split("Commands:")[1]


def test_a_campaign_offers_accounts_only_where_there_is_a_provider_of_them(run, monkeypatch) -> None:  # noqa: F811
    for arguments in ([*NEW, "--sign-in"], ["campaign", "change", "spring", "--sign-in", "--reason", "x"]):
        result = run(*arguments)
        assert (result.exit_code, "set EVALUATOR_OIDC_ISSUER" in result.output) == (2, True), result.output
    provider = {"ISSUER": "https://id.example.org", "CLIENT_ID": "a", "NAME_ZH": "b", "NAME_EN": "c"}
    for name, value in provider.items():
        monkeypatch.setenv(f"EVALUATOR_OIDC_{name}", value)
    assert run(*NEW, "--sign-in").exit_code == 0
    assert promised(run)["modes"] == ["invitation", "sign_in", "open"]

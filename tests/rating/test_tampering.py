"""Every file and every column of an edition tampered with in turn: each change is found, and told where it is.

A forger here may make everything fit: CSV and Parquet, identifier, data package, checksums. What the edition itself
cannot tell is found by the snapshot, and what no figure rests on (a reason, a version of software) by the proof that
the publisher logged.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from lakes import PERIOD, QUESTIONNAIRE, SCHEME, change_csv, lake_tables

from evaluator.cli import group
from evaluator.ledger.leaves import entry
from evaluator.ledger.merkle import Tree, leaf_hash
from evaluator.ledger.notes import Signer, checkpoint
from evaluator.ledger.receipts import make_receipt
from evaluator.rating import verify as verifying
from evaluator.rating.datapackage import datapackage
from evaluator.rating.defects import InputError
from evaluator.rating.doors import EDITION, Column, door_of
from evaluator.rating.edition import identifier, pretty, read_note, sums
from evaluator.rating.folders import sha256_of
from evaluator.rating.logged import not_logged, read_key
from evaluator.rating.run import rate
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import LogHead, fingerprint
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import write_parquet
from evaluator.rating.verify import verify

COMPUTED = ("scores", "ratings", "sensitivity")
TAKEN = {"deductions", "vetoes", "previous_grade", "forged_codes", "forged_replaced", "forged_assessors", "forged_open"}
LOG = LogHead("x.org/log/campaign/spring", 3, "ab" * 32, "a signed note", 3, "cd" * 32)
DRAWS = 32
Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Made:
    """A correction that was held against an earlier edition's snapshot, with all that it was made from."""

    edition: Path
    snapshot: Path
    earlier: Path  # the snapshot that it was held against
    previous: Path  # the edition that it replaces


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    home = tmp_path_factory.mktemp("tampering")
    tables = lake_tables()
    for name, logs in (("earlier", None), ("snapshot", {"spring": LOG})):
        write_snapshot(
            home / name, tables, questionnaires={"lakes@1": QUESTIONNAIRE.read_bytes()},
            campaigns={"spring": "lakes@1"}, period=PERIOD, source="invented", logs=logs,
        )  # fmt: skip
        left = np.arange(len(tables["responses"]["unit"])) >= 2  # two people of one unit took theirs back
        tables["responses"] = {name: column[left] for name, column in tables["responses"].items()}
    (home / "scheme.yaml").write_text(SCHEME.read_text() + "groups: {old: {item: age, choices: [old]}}\n")
    before = rate(home / "scheme.yaml", home / "earlier", home / "before", draws=DRAWS).out
    edition = rate(
        home / "scheme.yaml", home / "snapshot", home / "edition", before, draws=DRAWS, supersedes=before,
        why="two answers were taken back", decision="as the board decided", against=[home / "earlier"],
    ).out  # fmt: skip
    return Made(edition, home / "snapshot", home / "earlier", before)


@pytest.fixture
def edition(made: Made, tmp_path: Path) -> Path:
    shutil.copytree(made.edition, tmp_path / "edition")
    return tmp_path / "edition"


@pytest.fixture(scope="module", autouse=True)
def computed_once(made: Made) -> Iterator[None]:
    """The same snapshot and scheme are computed once: the functions are pure, and two hundred verdicts ask for them."""
    kept: dict[Any, Any] = {}
    patch, counting = pytest.MonkeyPatch(), ExitStack()
    examine, counted = verifying.examine, verifying.counted

    def read_once(folder: Path, scheme: Any) -> Any:
        key = ("read", folder, repr(scheme))
        if folder != made.snapshot:  # a changed one is read as it is
            return examine(folder, scheme)
        if key not in kept:
            kept[key] = examine(folder, scheme)
        return kept[key]

    @contextmanager
    def count_once(scheme: Any, snapshot: Any, *rest: Any) -> Iterator[Any]:
        key = ("counted", repr(scheme), snapshot.sha256, repr(rest))
        if key not in kept:
            kept[key] = counting.enter_context(counted(scheme, snapshot, *rest))
        yield kept[key]

    patch.setattr(verifying, "examine", read_once)
    patch.setattr(verifying, "counted", count_once)
    for name, places in (("estimate", (0,)), ("rated_tables", (0, 3, 4, 5))):
        real = getattr(verifying, name)

        def once(*given: Any, real: Any = real, name: str = name, places: tuple[int, ...] = places) -> Any:
            key = (name, given[1].sha256, *(repr(given[place]) for place in places))
            if key not in kept:
                kept[key] = real(*given)
            return kept[key]

        patch.setattr(verifying, name, once)
    yield
    patch.undo()
    counting.close()


def audited(edition: Path, made: Made) -> tuple[str, ...]:
    """What somebody finds who has the snapshots too, and the edition before."""
    return verify(edition, made.snapshot, previous=made.previous, against=[made.earlier]).differences


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def change(edition: Path, name: str, how: Callable[[Rows], object]) -> None:
    """Change a table, in both of its forms."""
    change_csv(edition / f"{name}.csv", lambda rows: how(rows) and None)
    columns = {column.name: column.kind for column in EDITION[name].columns}
    (edition / f"{name}.parquet").unlink()
    write_parquet(edition / f"{name}.csv", edition / f"{name}.parquet", columns, {})


def say(edition: Path, **changes: object) -> None:
    """Change edition.json."""
    path = edition / "edition.json"
    path.write_bytes(
        msgspec.json.format(msgspec.json.encode(json.loads(path.read_bytes()) | changes), indent=2) + b"\n"
    )


def cover(edition: Path) -> None:
    """Make scheme, identifier, data package and checksums fit, as a forger would."""
    scheme, note = load_scheme(edition / "scheme.yaml"), read_note(edition)
    named = msgspec.structs.replace(
        note.scheme, code=scheme.code, version=scheme.version, sha256=sha256_of(edition / "scheme.yaml")
    )
    note = msgspec.structs.replace(note, scheme=named)
    note = msgspec.structs.replace(note, identifier=identifier(note, edition))
    (edition / "edition.json").write_bytes(pretty(note))
    doors = [door_of(name, note.simulated) for name in EDITION]
    package = datapackage(edition, doors, note.identifier, scheme, note.title, note.data_status, note.snapshot.source)
    (edition / "datapackage.json").write_bytes(pretty(package))
    (edition / "SHA256SUMS").write_text(sums(edition))


def other(column: Column, value: str) -> str:
    """Another cell that the column allows."""
    if column.words:
        return next(word for word in column.words if word != value)
    if column.kind == "number":
        return f"{float(value or 0) + 0.25:g}"
    if column.kind == "whole":
        return str(int(value or 0) + 1)
    return "2031-05-06" if column.kind == "date" else f"{value}w"


def placed(name: str, rows: Rows) -> dict[str, int]:
    """A row for each column to be changed; the table's key has a row of its own for each of its columns."""
    key = EDITION[name].key
    found = {column: len(rows) - 1 - 5 * number for number, column in enumerate(key)}
    others = [column.name for column in EDITION[name].columns if column.name not in key]
    return found | {column: number % (len(rows) - 5 * len(key)) for number, column in enumerate(others)}


def every_column(name: str) -> Callable[[Rows], None]:
    """One cell of every column becomes another, each at its place."""

    def how(rows: Rows) -> None:
        for column, row in placed(name, rows).items():
            door = EDITION[name].column(column)
            assert door is not None
            rows[row][column] = other(door, rows[row][column])

    return how


def line_of(name: str, row: Mapping[str, str], column: str) -> str:
    """How a difference of this cell begins."""
    rest = "".join(f"{row[key].replace(' ', '_') or '-'}/" for key in EDITION[name].key if key != "unit")
    return f"{name} {row.get('unit') or '-'} {rest}{column} "


def test_what_was_published_holds_with_all_that_it_rests_on(made: Made) -> None:
    note = read_note(made.edition)
    assert note.held_units > 0
    assert len(note.held_against) == 1
    assert audited(made.edition, made) == ()
    assert verify(made.edition).differences == ()


@pytest.mark.parametrize("name", EDITION)
def test_a_cell_of_every_column_is_found_by_the_snapshot_and_named(edition: Path, made: Made, name: str) -> None:
    before = rows_of(edition / f"{name}.csv")
    change(edition, name, every_column(name))
    cover(edition)
    told = audited(edition, made)
    for column, row in placed(name, before).items():
        cell = line_of(name, before[row], column)
        if column in EDITION[name].key:
            assert any(line.startswith(cell.rsplit(column, 1)[0]) and "row nothing recomputed" in line for line in told)
        else:
            [line] = [line for line in told if line.startswith(cell)]
            door = EDITION[name].column(column)
            assert door is not None
            said = f"{other(door, before[row][column])} {before[row][column] or repr('')}"
            assert line == f"{cell}{said}"


@pytest.mark.parametrize("name", COMPUTED)
def test_a_cell_of_every_computed_column_is_found_from_the_edition_alone(edition: Path, name: str) -> None:
    before = rows_of(edition / f"{name}.csv")
    wanted = {column: row for column, row in placed(name, before).items() if column not in (TAKEN | {"level", "unit"})}

    def how(rows: Rows) -> None:
        for column, row in wanted.items():
            door = EDITION[name].column(column)
            assert door is not None
            rows[row][column] = other(door, rows[row][column])

    change(edition, name, how)
    cover(edition)
    told = verify(edition).differences
    for column, row in wanted.items():
        cell = line_of(name, before[row], column)
        beginning = cell.rsplit(column, 1)[0] if column in EDITION[name].key else cell
        assert any(line.startswith(beginning) for line in told), (column, told)


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("name", EDITION)
def test_a_cell_of_every_column_of_one_form_alone_is_found_by_the_other(
    edition: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    monkeypatch.setattr(verifying, "_recompute", lambda *_: ({}, []))  # that is not what finds it
    before = rows_of(edition / f"{name}.csv")
    kept = {end: (edition / f"{name}.{end}").read_bytes() for end in ("csv", "parquet")}
    change(edition, name, every_column(name))
    left = "parquet" if form == "csv" else "csv"
    (edition / f"{name}.{left}").write_bytes(kept[left])
    cover(edition)
    told = verify(edition).differences
    csv_rows = rows_of(edition / f"{name}.csv")
    for column, row in placed(name, before).items():
        cell = line_of(name, csv_rows[row], column).replace(name, f"{name}.parquet", 1)
        assert any(line.startswith(f"{cell}CSV: ") for line in told), (column, told)


ROWS: dict[str, tuple[Callable[[Rows], object], tuple[str, ...]]] = {
    "taken out": (lambda rows: rows.pop(2), ("row nothing recomputed",)),
    "doubled": (lambda rows: rows.append(dict(rows[1])), (".csv holds a row twice",)),
    "exchanged": (lambda rows: rows.insert(0, rows.pop(3)), (".csv is not in the order that is computed",)),
    "all": (lambda rows: rows.clear(), ("row nothing recomputed",)),
}


@pytest.mark.parametrize("what", [one for one in ROWS if one != "all"])
@pytest.mark.parametrize("name", EDITION)
def test_rows_taken_out_doubled_or_exchanged_are_found(edition: Path, made: Made, name: str, what: str) -> None:
    how, said = ROWS[what]
    change(edition, name, how)
    cover(edition)
    told = audited(edition, made)
    for words in said:
        assert any(line.startswith(name) and words in line for line in told), told[:5]


def test_a_row_more_is_found(edition: Path, made: Made) -> None:
    change(edition, "distributions", lambda rows: rows.append(rows[0] | {"code": "more"}))
    cover(edition)
    first = rows_of(edition / "distributions.csv")[0]
    path = f"{first['unit']} {first['item']}/more/{first['with_flagged']}"
    assert audited(edition, made) == (f"distributions {path}/row published nothing",)


# edition.json: what finds a change of it when everything else was made to fit
FIELDS: dict[str, tuple[object, str, str]] = {
    "format": (2, "alone", "edition.json /"),
    "title": ({"zh": "A", "en": "Another"}, "alone", "edition.json title "),
    "period": (["2031-01-01", "2031-12-30"], "snapshot", "edition.json period "),
    "seed": (2, "alone", "ratings "),
    "draws": (33, "alone", "ratings "),
    "licence": ("MIT", "alone", "edition.json licence MIT CC-BY-4.0"),
    "simulated": (True, "alone", "edition.json data_status "),
    "data_status": ("real", "alone", "edition.json data_status "),
    "snapshot": ({"sha256": "f" * 64, "source": "invented"}, "snapshot", "edition.json snapshot.sha256 "),
    "log_head": (f"x.org/log/campaign/spring 4 {'ab' * 32}", "snapshot", "edition.json log_head "),
    "held_units": (0, "snapshot", "edition.json held_units 0 "),
    "software": ({"evaluator": "9"}, "proof", ""),
    "supersedes": (None, "proof", ""),
    "why": ("no reason", "proof", ""),
    "previous": (None, "proof", ""),
    "decision": ("", "proof", ""),
}  # fmt: skip
KEY = Signer("x.org/log/audit", b"k" * 32)


def proof_of(folder: Path, **changes: object) -> str:
    """What the publisher's site gives out: the entry in its log, the way to the head, the signed head."""
    said = {"what": "edition.published", "edition": read_note(folder).identifier}
    said |= {"sums": sha256_of(folder / "SHA256SUMS"), "at": 1, **changes}
    entries = [entry("audit", what="account.added", at=0), entry("audit", **said), entry("audit", what="x.y", at=2)]
    tree = Tree(leaf_hash(one.encode()) for one in entries)
    return make_receipt(entries[1], 1, tree, checkpoint(KEY.origin, 3, tree.root(), KEY))


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_the_note_is_bound(edition: Path, made: Made, field: str) -> None:
    value, by, beginning = FIELDS[field]
    proof, key = proof_of(edition), read_key(KEY.vkey)
    assert not_logged(edition, proof, key) == []
    say(edition, **{field: value})
    if field == "format":  # of no format that is known: nobody can make the rest fit
        (edition / "SHA256SUMS").write_text(sums(edition))
        assert verify(edition).differences[-1].endswith("format is 2; this program reads format 1")
        return
    (edition / "SHA256SUMS").write_text(sums(edition))
    if field != "simulated":  # that every table would have to bear a mark is said before any figure is compared
        # most fields are in the identifier's digest, which nobody made fit yet
        in_digest = field not in ("snapshot", "log_head", "software")
        alone = verify(edition).differences
        assert any(line.startswith("edition.json identifier ") for line in alone) == in_digest, alone
        cover(edition)
    alone = verify(edition).differences
    everything = alone if by == "alone" else audited(edition, made)
    if by == "proof":
        assert everything == ()
    else:
        assert any(line.startswith(beginning) for line in everything), everything[:5]
        assert by == "alone" or alone == ()
    assert any(line.startswith(("SHA256SUMS is not the one that was logged", "proof is of the edition"))
               for line in not_logged(edition, proof, key))  # fmt: skip


def test_a_note_has_no_other_fields(made: Made) -> None:
    here = set(json.loads((made.edition / "edition.json").read_bytes()))
    assert here == {*FIELDS, "identifier", "scheme", "held_against"}


def test_a_snapshot_that_was_not_counted_is_asked_for(edition: Path, made: Made) -> None:
    say(edition, held_against=["e" * 64, *read_note(edition).held_against])
    cover(edition)
    with pytest.raises(InputError, match=f"rests on the snapshot {'e' * 64}; give its folder"):
        audited(edition, made)
    say(edition, held_against=[])  # as if it had counted everybody anew
    cover(edition)
    told = audited(edition, made)
    assert any(line.startswith("edition.json held_units ") for line in told)


PROOFS: dict[str, tuple[Callable[[Path], str], str]] = {
    "another edition": (lambda edition: proof_of(edition, edition="lakes-0"), "proof is of the edition lakes-0"),
    "other files": (lambda edition: proof_of(edition, sums="0" * 64), "SHA256SUMS is not the one that was logged"),
    "another entry": (lambda edition: proof_of(edition, what="edition.drafted"), "proof is of another entry"),
    "another place": (lambda edition: proof_of(edition).replace("index 1", "index 2"), "proof "),
    "another head": (lambda edition: proof_of(edition).replace("audit\n3\n", "audit\n4\n"), "proof "),
    "nothing": (lambda edition: "", "proof this is no receipt"),
}  # fmt: skip


@pytest.mark.parametrize("what", PROOFS)
def test_another_proof_proves_nothing(made: Made, what: str) -> None:
    make, said = PROOFS[what]
    [first, *_] = not_logged(made.edition, make(made.edition), read_key(KEY.vkey))
    assert first.startswith(said), first


def test_a_proof_by_another_key_proves_nothing(made: Made) -> None:
    for key in (Signer(KEY.origin, b"o" * 32), Signer("y.org/log/audit", b"k" * 32)):
        assert not_logged(made.edition, proof_of(made.edition), read_key(key.vkey))[0].startswith("proof ")


SCHEMES: dict[str, tuple[str, str, str, str]] = {  # old, new, found by, how a difference begins
    "the weight of a dimension": ("talk: {weight: 0.6", "talk: {weight: 0.7", "alone", "scores "),
    "the weight of an indicator": ("w: 2", "w: 3", "alone", "scores "),
    "a goalpost": ("goal: [20, 90]", "goal: [20, 95]", "alone", "scores m00 heard/score "),
    "a kind of mean": ("power_mean: 0.5", "power_mean: 0.6", "alone", "ratings "),
    "a limit of grades": ("middle: 50", "middle: 56", "alone", "ratings "),
    "the interval": ("interval: 0.9", "interval: 0.8", "alone", "ratings "),
    "points of a record": ("points: 4", "points: 5", "snapshot", "ratings m01 deductions "),
    "how many people a cell has": ("cell_min: 5", "cell_min: 9", "snapshot", "distributions "),
    "its name": ("Rating of the lakes", "Rating of lakes", "alone", "edition.json title "),
}  # fmt: skip


@pytest.mark.parametrize("what", SCHEMES)
def test_another_scheme_is_found_whether_its_digest_was_made_to_fit_or_not(
    edition: Path, made: Made, what: str
) -> None:
    old, new, by, beginning = SCHEMES[what]
    path = edition / "scheme.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    (edition / "SHA256SUMS").write_text(sums(edition))
    assert "scheme.yaml is not the scheme that edition.json names: its SHA-256 differs" in verify(edition).differences
    cover(edition)
    told = verify(edition).differences if by == "alone" else audited(edition, made)
    assert any(line.startswith(beginning) for line in told), told[:5]


def test_a_comment_in_the_scheme_is_found_by_the_proof(edition: Path, made: Made) -> None:
    proof = proof_of(edition)
    with (edition / "scheme.yaml").open("a") as file:
        file.write("# a comment\n")
    cover(edition)
    assert audited(edition, made) == ()
    assert not_logged(edition, proof, read_key(KEY.vkey)) != []


CHANGED = {  # column, rows, another value
    "units": ("x_density", slice(9), 1.5), "sample": ("frame_n", slice(9), 2000.0),
    "population": ("count", slice(1), 900.0), "assessments": ("score", slice(9), 1.0),
    "records": ("denominator", slice(9), 500.0), "events": ("state", slice(9), "alleged"),
    "indicators": ("value", slice(9), 2.5), "responses": ("q_answered", slice(90, 120), "none"),
}  # fmt: skip
RECOMPUTED = ("records", "responses")  # a second each; of the others the digest alone is looked at


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_snapshot_is_found_and_its_file_named(made: Made, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(made.snapshot, tmp_path / "snapshot")
    tables = lake_tables()
    column, at, value = CHANGED[name]
    tables["responses"] = {one: cells[2:] for one, cells in tables["responses"].items()}
    tables[name][column][at] = value
    write_snapshot(tmp_path / "other", {"units": tables["units"], name: tables[name]})
    (tmp_path / "other" / f"{name}.parquet").replace(folder / f"{name}.parquet")
    with pytest.raises(InputError, match=rf"{name}\.parquet is not the file snapshot\.json speaks of"):
        verify(made.edition, folder, against=[made.earlier])
    note = json.loads((folder / "snapshot.json").read_bytes())
    note["files"][f"{name}.parquet"] = sha256_of(folder / f"{name}.parquet")
    (folder / "snapshot.json").write_text(json.dumps(note))
    was = read_note(made.edition).snapshot.sha256
    assert fingerprint(folder) != was
    if name in RECOMPUTED:
        first, *figures = verify(made.edition, folder, against=[made.earlier]).differences
        assert first == f"edition.json snapshot.sha256 {was} {fingerprint(folder)}"
        assert any(line.startswith("ratings ") for line in figures)


def _without(text: str, name: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.endswith(f"  {name}\n"))


SUMS: dict[str, tuple[Callable[[str], str], str]] = {
    "a line less": (lambda text: _without(text, "units.csv"), "units.csv is not in SHA256SUMS"),
    "a line twice": (lambda text: text + text.splitlines(keepends=True)[0], "SHA256SUMS line 22 names "),
    "another digest": (lambda text: "0" * 64 + text[64:], "datapackage.json is not what was published"),
    "a name more": (lambda text: text + f"{'0' * 64}  more.csv\n", "more.csv is missing"),
    "another order": (lambda text: "".join(reversed(text.splitlines(keepends=True))), "SHA256SUMS is not written as"),
    "other line ends": (lambda text: text.replace("\n", "\r\n"), "SHA256SUMS is not written as"),
    "capitals": (lambda text: text[:64].upper() + text[64:], "SHA256SUMS line 1 is not a SHA-256"),
    "one space": (lambda text: text.replace("  ", " ", 1), "SHA256SUMS line 1 is not a SHA-256"),
    "nothing": (lambda text: "", "datapackage.json is not in SHA256SUMS"),
}  # fmt: skip


@pytest.mark.parametrize("what", SUMS)
def test_changed_checksums_are_found(edition: Path, what: str) -> None:
    how, said = SUMS[what]
    path = edition / "SHA256SUMS"
    path.write_bytes(how(path.read_text()).encode())
    assert any(line.startswith(said) for line in verify(edition).differences), verify(edition).differences


@pytest.mark.parametrize(
    ("old", "new"), [('"number"', '"string"'), ("sha256:", "sha256:0"), ('"units"', '"unit"'), ("CC-BY-4.0", "CC0-1.0")]
)
def test_a_changed_data_package_is_found(edition: Path, old: str, new: str) -> None:
    path = edition / "datapackage.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    (edition / "SHA256SUMS").write_text(sums(edition))
    assert "datapackage.json does not describe these tables" in verify(edition).differences


def test_the_command_tells_a_line_a_difference_and_says_no(edition: Path, made: Made) -> None:
    change(edition, "ratings", lambda rows: rows[3].update(index="99.5"))
    cover(edition)
    home = edition.parent
    (home / "proof").write_text(proof_of(made.edition), encoding="utf-8")
    told = CliRunner().invoke(
        group, ["verify", str(edition), "--proof", str(home / "proof"), "--key", KEY.vkey]
    )  # fmt: skip
    assert told.exit_code == 1
    lines = told.output.splitlines()
    assert any(line.startswith("ratings m02 index 99.5 ") for line in lines)
    assert any(line.startswith("SHA256SUMS is not the one that was logged") for line in lines)
    assert lines[-1] == f"no: {edition} does not hold ({len(lines) - 1} differences)"

"""Rating: scheme + snapshot -> edition, from files alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.rating.defects import InputError
from evaluator.rating.edition import Edition, Note, published_units, read_edition, write_edition
from evaluator.rating.estimates import Estimates, estimate
from evaluator.rating.forging import forged_columns
from evaluator.rating.holding import counted, shared
from evaluator.rating.previous import before
from evaluator.rating.published import factors_table, inputs_table, read_back, rounded
from evaluator.rating.results import Results, Taken, compute
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_diff import same_version
from evaluator.rating.scheme_file import parse_scheme
from evaluator.rating.snapshot import Snapshot, read_snapshot
from evaluator.rating.tabular import Table

Progress = Callable[[str, float], None]

SEED = 1  # any seed will do, as long as it was not chosen after the fact


@dataclass(frozen=True, slots=True)
class Rated:
    """What a run gave."""

    out: Path
    note: Note
    seconds: Mapping[str, float]  # by step


def rate(
    scheme_file: Path,
    snapshot_dir: Path,
    out: Path,
    previous: Path | None = None,
    seed: int = SEED,
    draws: int | None = None,
    progress: Progress | None = None,
    *,
    supersedes: Path | None = None,
    why: str | None = None,
    decision: str = "",
    against: Sequence[Path] = (),
) -> Rated:
    """Rate a snapshot by a scheme and write the edition.

    Parameters
    ----------
    out
        The edition's folder; it must not exist. It is there whole or not at all.
    previous
        The edition of the last period, from which grades move only when the evidence is strong; its estimates of what
        citizens say are a covariate where the scheme says so.
    seed, draws
        Of the joint draws; `draws` as the scheme says when not given.
    progress
        Called with the step and the share of it that is done.
    supersedes, why
        The edition that this one corrects, and the reason.
    decision
        What was decided before this run was taken, and why.
    against
        Snapshots that published editions with some of the same answers were computed from: where fewer than `cell_min`
        answers of a unit differ, those stay that were counted then.

    Raises
    ------
    InputError
        Wrong scheme, snapshot or edition, with every defect; `out` exists; an edition that is named counted some of the
        same answers, and its snapshot is not given (of simulated data none is asked for).
    """
    clock = _Clock()
    if out.exists():
        raise InputError([f"{out} exists; give a path that does not exist yet, nothing is overwritten"])
    if bool(why) != (supersedes is not None):
        raise InputError(["a correction needs both: the edition it supersedes, and why"])
    content = read_scheme_bytes(scheme_file)
    scheme = parse_scheme(content.decode("utf-8-sig"), str(scheme_file))
    earlier = read_edition(previous) if previous else None
    replaced = read_edition(supersedes) if supersedes else None
    for named in (earlier, replaced):
        if named is not None and same_version(named.scheme, scheme):
            what = f"{scheme_file} is {scheme.code} {scheme.version}, by which {named.note.identifier} was rated"
            right = "give it another version, and look at `evaluator scheme diff`"
            raise InputError([f"{what}, with other content; {right}"])
    snapshot = read_snapshot(snapshot_dir, scheme)
    clock.lap("read and check")
    chain = [sha256 for one in (earlier, replaced) if one is not None for sha256 in shared(scheme, snapshot, one)]
    with counted(scheme, snapshot, against, chain, needed=not snapshot.simulated) as held:
        clock.lap("whom to count")
        estimates = estimate(scheme, held.now.snapshot, progress, before(scheme, earlier), held)
        clock.lap("estimate")
        draws = draws or scheme.uncertainty.draws
        grades = previous_grades(snapshot.tables["units"], earlier)
        tables = rated_tables(scheme, held.now.snapshot, estimates, grades, seed, draws, progress)
        clock.lap("draw, rank, grade")
    note = write_edition(
        out,
        content,
        scheme,
        snapshot,
        tables,
        seed=seed,
        draws=draws,
        supersedes=replaced.note.identifier if replaced else None,
        why=why,
        previous=earlier.note.identifier if earlier else None,
        decision=decision.strip(),
        held_against=held.against,
        held_units=held.units,
    )
    clock.lap("write")
    return Rated(out, note, clock.seconds)


def read_scheme_bytes(path: Path) -> bytes:
    """A scheme file as it is, to be copied byte for byte; InputError when it cannot be read."""
    try:
        content = path.read_bytes()
        content.decode("utf-8-sig")
    except OSError as error:
        raise InputError([f"{path} cannot be read ({error.strerror}); give the path of a scheme file"]) from error
    except UnicodeDecodeError as error:
        raise InputError([f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8"]) from error
    return content


def previous_grades(units: Table, earlier: Edition | None) -> list[str]:
    """Each unit's grade in the edition before; blank when there was none."""
    if earlier is None:
        return [""] * len(units["unit"])
    ratings = earlier.table("ratings")
    grades = dict(zip(ratings["unit"], ratings["grade"], strict=True))
    return [str(grades.get(unit, "")) for unit in units["unit"]]


def rated_tables(
    scheme: Scheme,
    snapshot: Snapshot,
    estimates: Estimates,
    grades: list[str],
    seed: int,
    draws: int,
    progress: Progress | None = None,
) -> dict[str, Table]:
    """All tables of the edition.

    Figures are computed from inputs and factors as they are published, so that whoever has the edition gets the same.
    """
    units = published_units(snapshot.tables["units"])
    tables = {
        "units": units,
        "inputs": inputs_table(scheme, units, estimates),
        "factors": factors_table(scheme, units, estimates),
        "models": estimates.models,
        "groups": estimates.groups,
        "distributions": estimates.distributions,
    }
    taken = Taken(rounded(estimates.deductions), estimates.vetoes, grades)
    published = read_back(scheme, units, tables["inputs"], tables["factors"])
    results = compute(scheme, units, published, taken, seed, draws, progress)
    forged = forged_columns(scheme, snapshot, estimates, units, published, taken, results.ratings)
    ratings = {name: forged.get(name, column) for name, column in results.ratings.items()}
    return tables | {"scores": results.scores, "ratings": ratings, "sensitivity": results.sensitivity}


def computed(
    scheme: Scheme,
    tables: Mapping[str, Table],
    taken: Taken,
    seed: int,
    draws: int,
    progress: Progress | None = None,
) -> Results:
    """Scores, ratings and sensitivity from the tables units, inputs and factors of an edition."""
    published = read_back(scheme, tables["units"], tables["inputs"], tables["factors"])
    return compute(scheme, tables["units"], published, taken, seed, draws, progress)


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = now - self._last
        self._last = now

"""A simulated snapshot without a database: the same people, scores and records, written straight to a folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np

from evaluator.demo import assessing, citizens
from evaluator.demo.province import Province
from evaluator.demo.simulation import Simulation
from evaluator.demo.truth import Truth
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import Table, literal
from methods.queries import connected
from questionnaires.acceptance import Accepted, accept
from questionnaires.columns import columns, row
from questionnaires.quality import flags


def write_simulated_snapshot(folder: Path, made: Simulation) -> None:
    """Write the simulation as a snapshot to the new folder `folder`."""
    tables: dict[str, Table] = {
        "units": units_table(made.province),
        "sample": sample_table(made.province, made.sample),
        "population": population_table(made.province, made.truth),
        "assessments": assessing.scores_table(made),
        "records": made.holdings.records,
        "indicators": made.holdings.indicators,
        "events": in_sight(made.holdings.events),
    }
    parquet = folder.with_name(folder.name + ".responses.parquet")
    write_responses(parquet, made)
    calendar = made.calendar
    try:
        write_snapshot(
            folder, tables, responses=parquet, questionnaires={made.questionnaire.identifier: made.definition.encode()},
            campaigns={calendar.campaign: made.questionnaire.identifier}, period=(calendar.begins, calendar.ends),
            made_on=calendar.today, source="simulated", simulated=True,
        )  # fmt: skip
    finally:
        parquet.unlink()


def in_sight(events: Table) -> Table:
    """The events that a snapshot may hold: a repaired record leaves every later one."""
    kept = events["state"] != "repaired"
    return {name: column[kept] for name, column in events.items()}


def units_table(province: Province) -> Table:
    """The province as the snapshot's table of units."""
    blank = np.full(len(province), "", object)
    return {
        "unit": province.code, "parent": province.parent_code, "level": province.level,
        "name_zh": province.name_zh, "name_en": province.name_en, "population": province.population.astype(float),
        "valid_from": blank, "valid_to": blank, "successor": blank,
    }  # fmt: skip


def sample_table(province: Province, sample: citizens.Sample) -> Table:
    """One design cell a unit; a township's people are calibrated to its county's."""
    blank = np.full(len(province), "", object)
    area = np.where(province.level == "T", province.parent_code, province.code)
    return {
        "unit": province.code, "design_stratum": blank, "psu": blank, "frame_n": sample.frame.astype(float),
        "invited": sample.invited.astype(float), "responded": sample.responded.astype(float), "calibration_area": area,
    }  # fmt: skip


def population_table(province: Province, truth: Truth) -> Table:
    """Age by gender of every area that is calibrated, and the totals of townships."""
    strata = truth.strata
    whole = np.flatnonzero(province.level == "T")
    parts = np.flatnonzero(province.level != "T")
    kinds = strata.share.shape[1]
    count = np.rint(strata.share[parts] * strata.people[parts, None])
    table: Table = {"unit": np.concatenate([np.repeat(province.code[parts], kinds), province.code[whole]])}
    for question, codes in strata.codes.items():
        of_kind = np.array(codes, object)[strata.code[question]]
        table[f"s_{question}"] = np.concatenate([np.tile(of_kind, len(parts)), np.full(len(whole), "", object)])
    table["count"] = np.concatenate([count.ravel(), strata.people[whole].astype(float)])
    return table


def write_responses(path: Path, made: Simulation) -> None:
    """The answers as the snapshot's table of responses, in no order that says who came first."""
    people, names = made.people, columns(made.questionnaire)
    rows = []
    for person in range(len(people)):
        taken = accept(made.questionnaire, people.raw(person))
        if not isinstance(taken, Accepted):
            raise RuntimeError(f"the questionnaire refuses a simulated answer: {taken[0]}")
        said = flags(made.questionnaire, taken.answers, citizens.DURATIONS[people.duration[person]])
        rows.append((*row(made.questionnaire, taken.answers), " ".join(said)))
    table = {name: np.array([one[k] or "" for one in rows], object) for k, name in enumerate((*names, "flags"))}
    table["campaign"] = np.full(len(people), made.calendar.campaign, object)
    table["mode"] = np.array(citizens.MODES, object)[people.mode]
    table["unit"] = made.province.code[people.unit]
    day = [(made.calendar.opens + timedelta(n)).isoformat() for n in range(made.calendar.days_open)]
    table["day"] = np.array(day, object)[people.day]
    order = ["campaign", "mode", "unit", "day", *names, "flags"]
    wanted = ", ".join(f'nullif("{name}", \'\') AS "{name}"' for name in order)
    with connected() as connection:
        connection.register("answers", table)
        connection.execute(
            f"COPY (SELECT {wanted} FROM answers ORDER BY unit, day, mode, {names[0]}) "
            f"TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )

"""Everything that is simulated, from one seed, before any of it goes anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from evaluator.demo import assessors, citizens, records
from evaluator.demo.calendar import Calendar
from evaluator.demo.province import Province, data, make_province
from evaluator.demo.truth import Truth, make_truth, write_truth
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_file import load_scheme
from questionnaires.definition import Questionnaire
from questionnaires.loading import loads, shipped_text

SCHEME = "sd-integrity.yaml"


@dataclass(frozen=True, slots=True)
class Simulation:
    """A province, how it really is, and what everybody says and writes of it."""

    scheme_file: Path
    scheme: Scheme
    definition: str  # the questionnaire's YAML text
    questionnaire: Questionnaire
    calendar: Calendar
    province: Province
    truth: Truth
    sample: citizens.Sample
    people: citizens.Simulated
    assessors: assessors.Assessors
    scores: assessors.Scores
    holdings: records.Holdings

    def write_truth(self, path: Path) -> None:
        """The file that rating never reads."""
        write_truth(path, self.province, self.truth, np.array(records.HELD, object)[self.holdings.held])


def simulate(
    seed: int, responses: int, calendar: Calendar, cities: int | None = None, townships: int | None = None
) -> Simulation:
    """The whole simulation of a seed.

    Parameters
    ----------
    responses
        Answers of citizens, all modes together.
    cities, townships
        For tests: only the first so many cities, and at most so many townships of a county.
    """
    scheme_file = Path(str(files("evaluator.rating") / "schemes" / SCHEME))
    scheme = load_scheme(scheme_file)
    definition = shipped_text(data("citizens.yaml")["questionnaire"])
    questionnaire = loads(definition)
    province = make_province(seed, cities, townships)
    truth = make_truth(seed, province, scheme)
    sample = citizens.draw_sample(seed, province, truth.strata, responses)
    people = citizens.simulate(seed, province, truth, questionnaire, sample, calendar.days_open)
    who = assessors.make_assessors()
    scores = assessors.score(seed, province, truth, who)
    holdings = records.make_holdings(seed, province, truth, scheme, (calendar.begins, calendar.today))
    return Simulation(
        scheme_file, scheme, definition, questionnaire, calendar, province, truth, sample, people, who, scores, holdings
    )

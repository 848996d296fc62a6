"""Citizens of the simulated province: whom they answer about, how truly, how carefully.

The mean score of an item over the residents of a unit is exactly the unit's true value: every scored answer is drawn
from a shape tilted until its expectation is the true mean of the person's stratum, and answers of one person are tied
together by a copula, which leaves each answer's own distribution untouched. What is not an honest answer (careless,
prompted, stuffed) comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from evaluator.demo.province import Province, data, generator
from evaluator.demo.truth import Strata, Truth, expit, logit
from questionnaires.definition import Question, Questionnaire, ScoreAny, ScoreByChoice, ScoreLinear

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Codes = NDArray[np.int16]

MODES = ("invitation", "open")
DURATIONS = ("under_25_seconds", "under_60_seconds", "longer")
BLANK = -1


@dataclass(frozen=True, slots=True)
class Simulated:
    """Answers of all people, as positions in lists of alternatives."""

    unit: Integers  # (responses,) position in the province
    mode: Codes  # (responses,) position in MODES
    day: Integers  # (responses,) days since the campaign opened
    duration: Codes  # (responses,) position in DURATIONS
    alternatives: dict[str, list[list[str]]]  # question -> what can be answered: lists of codes
    answers: dict[str, Codes]  # question -> (responses,) position among the alternatives, BLANK where not answered

    def __len__(self) -> int:
        return len(self.unit)

    def raw(self, response: int) -> dict[str, list[str]]:
        """One person's answers as a form posts them."""
        return {
            question: self.alternatives[question][chosen[response]]
            for question, chosen in self.answers.items()
            if chosen[response] != BLANK
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """The design: how many can be asked, are invited and answer, and how many come by the open link."""

    frame: Integers  # (units,)
    invited: Integers  # (units,)
    responded: Integers  # (units,)
    open: Integers  # (units,)


def draw_sample(seed: int, province: Province, strata: Strata, responses: int) -> Sample:
    """Share `responses` out over modes, levels and units; small units get few, some none."""
    words = data("citizens.yaml")
    about = words["sample"]
    rng = generator(seed, "sample")
    share = np.zeros(len(province))
    size = np.maximum(strata.people, 1.0) ** about["power"] * rng.lognormal(0, about["scatter"], len(province))
    for level in np.unique(province.level):
        at = province.level == level
        share[at] = about[level]["share"] * size[at] / size[at].sum()
    share /= share.sum()
    of_mode = rng.multinomial(responses, [words["modes"][mode]["share"] for mode in MODES])
    # nobody is asked twice: a small unit cannot answer more often than it has people
    responded = np.minimum(rng.multinomial(of_mode[0], share), strata.people // 4)
    came = rng.multinomial(of_mode[1] + of_mode[0] - responded.sum(), share)
    rate = expit(logit(about["rate"]["mean"]) + about["rate"]["spread"] * rng.standard_normal(len(province)))
    invited = np.minimum(strata.people, np.maximum(np.rint(responded / rate), responded)).astype(np.int64)
    invited = np.where(responded == 0, np.minimum(strata.people, 2), invited)
    return Sample(strata.people, invited, responded, came)


def simulate(
    seed: int, province: Province, truth: Truth, questionnaire: Questionnaire, sample: Sample, days: int
) -> Simulated:
    """Every person's answers.

    Parameters
    ----------
    days
        How many days the campaign has been open; the last of them is the newest day of an answer.
    """
    words = data("citizens.yaml")
    rng = generator(seed, "citizens")
    units = np.arange(len(province))
    unit = np.concatenate([np.repeat(units, sample.responded), np.repeat(units, sample.open)])
    mode = np.repeat(np.array([0, 1], np.int16), [sample.responded.sum(), sample.open.sum()])
    n = len(unit)
    strata = truth.strata
    stratum = _strata_of(rng, unit, strata)
    alternatives: dict[str, list[list[str]]] = {}
    answers: dict[str, Codes] = {}

    def put(question: str, codes: list[list[str]], chosen: Codes) -> None:
        alternatives[question], answers[question] = codes, chosen

    put(words["contact"]["question"], *_contact(rng, province, unit, strata.contact[stratum], words))
    put("matter", *_any_of(rng, words["matter"], n))
    capacity_codes, capacity = _any_of(rng, words["capacity"], n)
    shift = strata.shift[stratum]
    for one in (words["staff"], *words["groups"].values()):
        shift = shift + one["shift"] * np.array([codes == [one["capacity"]] for codes in capacity_codes])[capacity]
    shift += np.array([words["modes"][name].get("shift", 0.0) for name in MODES])[mode]
    person = rng.standard_normal(n)
    tie = words["person"]
    value_of = {one.item: k for k, one in enumerate(truth.indicators) if one.source == "citizen"}
    for code, about in words["items"].items():
        question = questionnaire.question(code)
        column = truth.logit[unit, value_of[code]]
        typical = np.nanmean(truth.logit[:, value_of[code]])
        # where no indicator asks for the item people still answer it
        mean = expit(np.where(np.isnan(column), typical, column) + shift)
        u = ndtr(np.sqrt(tie) * person + np.sqrt(1 - tie) * rng.standard_normal(n))
        put(code, *_item(rng, question, about, mean, u))
        answers[code][rng.random(n) < words["refused"]] = BLANK
    put("told", *_any_of(rng, words["told"], n))
    put("capacity", capacity_codes, capacity)
    for name, codes in strata.codes.items():
        said = strata.code[name][stratum].astype(np.int16)
        said[rng.random(n) < words["skip"][name]] = len(codes)
        put(name, [[code] for code in (*codes, "skip")], said)
    day = np.minimum((days * rng.beta(1.1, 1.4, n)).astype(np.int64), days - 1)
    slow = rng.choice(
        [DURATIONS.index(name) for name in words["durations"]], n, p=list(words["durations"].values())
    ).astype(np.int16)
    made = Simulated(unit, mode, day, slow, alternatives, answers)
    _careless(rng, made, questionnaire, words)
    _stuff(rng, made, days, words)
    opened = _opened(made, words)
    for name in words["contact"]["opens"]:
        answers[name][~opened] = BLANK
    return made


def _strata_of(rng: np.random.Generator, unit: Integers, strata: Strata) -> Integers:
    """A stratum of every respondent: as many as live there, times how readily they answer."""
    weight = np.cumsum(strata.share * strata.responds, axis=1)
    weight /= weight[:, -1:]
    return (rng.random(len(unit))[:, None] > weight[unit]).sum(axis=1)


def _any_of(rng: np.random.Generator, shares: dict[str, float], n: int) -> tuple[list[list[str]], Codes]:
    weight = np.cumsum(list(shares.values()))
    chosen = np.searchsorted(weight / weight[-1], rng.random(n), side="right").astype(np.int16)
    return [[code] for code in shares], chosen


def _contact(
    rng: np.random.Generator, province: Province, unit: Integers, times: Floats, words: Any
) -> tuple[list[list[str]], Codes]:
    about = words["contact"]
    rate = np.array([about["levels"][level] for level in province.level])[unit] * times
    yes = rng.random(len(unit)) < rate
    codes = [*about["yes"], about["no"], *about["unsure"]]
    _, how_often = _any_of(rng, about["yes"], len(unit))
    _, unsure = _any_of(rng, {"": 1 - sum(about["unsure"].values()), **about["unsure"]}, len(unit))
    chosen = np.where(yes, how_often, len(about["yes"]) + unsure).astype(np.int16)
    return [[code] for code in codes], chosen


def _opened(made: Simulated, words: Any) -> NDArray[np.bool_]:
    question = words["contact"]["question"]
    opens = np.array([codes[0] in words["contact"]["yes"] for codes in made.alternatives[question]] + [False])
    return opens[made.answers[question]]


class Tilted:
    """Distributions of one shape over scores, tilted to any mean between the lowest and the highest score."""

    def __init__(self, scores: Floats, base: Floats) -> None:
        """`scores` from 0 to 1, increasing; `base` their relative frequencies before tilting."""
        tilt = np.sinh(np.linspace(-6, 6, 1201))[:, None] * scores
        weight = base * np.exp(tilt - tilt.max(axis=1, keepdims=True))
        p = weight / weight.sum(axis=1, keepdims=True)
        self.mean = p @ scores
        self.cumulative = np.cumsum(p, axis=1)

    def pick(self, mean: Floats, u: Floats) -> Integers:
        """Position of a score for each mean and uniform number; a mixture of two neighbours has exactly that mean."""
        left = np.clip(np.searchsorted(self.mean, mean) - 1, 0, len(self.mean) - 2)
        part = np.clip((mean - self.mean[left]) / (self.mean[left + 1] - self.mean[left]), 0, 1)
        chosen = np.zeros(len(mean), np.int64)
        for k in range(self.cumulative.shape[1] - 1):
            chosen += u > (1 - part) * self.cumulative[left, k] + part * self.cumulative[left + 1, k]
        return chosen


def _item(
    rng: np.random.Generator, question: Question, about: Any, mean: Floats, u: Floats
) -> tuple[list[list[str]], Codes]:
    """Answers to a scored question: unscored ones at their share, else a score whose mean is the true one."""
    n, rule = len(mean), question.score
    unscored = about["unscored"]
    if isinstance(rule, ScoreAny):
        combos, weight = _combinations(about["hit"])
        hits = np.searchsorted(np.cumsum(weight), rng.random(n) * sum(weight))
        codes = [[about["missed"]], *combos]
        # u is high where a person is content; a hit costs the score
        chosen = np.where(u > 1 - mean, 0, 1 + hits)
    else:
        score = _scores(question, about["base"])
        order = sorted(score, key=lambda code: score[code])
        tilted = Tilted(
            np.array([score[code] / 100 for code in order]), np.array([about["base"][code] for code in order], float)
        )
        codes = [[str(code)] for code in order]
        chosen = tilted.pick(mean, u)
    scored = len(codes)
    codes += [[code] for code in unscored]
    _, other = _any_of(rng, {"": 1 - sum(unscored.values()), **unscored}, n)
    return codes, np.where(other > 0, scored + other - 1, chosen).astype(np.int16)


def _scores(question: Question, base: dict[Any, float]) -> dict[Any, float]:
    rule = question.score
    if isinstance(rule, ScoreLinear) and question.range:
        low, high = question.range
        return {code: rule.low + (rule.high - rule.low) * (int(code) - low) / (high - low) for code in base}
    assert isinstance(rule, ScoreByChoice), f"{question.code} is not scored"
    return {code: float(question.choice(code).score or 0.0) for code in base}


def _combinations(shares: dict[str, float]) -> tuple[list[list[str]], list[float]]:
    """Every choice of at least one, with its probability when each is chosen by itself."""
    some = chain.from_iterable(combinations(shares, size) for size in range(1, len(shares) + 1))
    combos = [list(combo) for combo in some]
    return combos, [float(np.prod([p if c in combo else 1 - p for c, p in shares.items()])) for combo in combos]


def _careless(rng: np.random.Generator, made: Simulated, questionnaire: Questionnaire, words: Any) -> None:
    """Some answer at one position down the page, too fast to have read it."""
    n, about = len(made), words["careless"]
    rate = np.array([words["modes"][name]["careless"] for name in MODES])[made.mode]
    who = np.flatnonzero(rng.random(n) < rate)
    position = rng.integers(0, about["positions"], len(who))
    for code, chosen in made.answers.items():
        question = questionnaire.question(code)
        if question.type == "single" and question.role is None:
            line = [[choice.code] for choice in question.choices[: about["positions"]]]
        elif question.type == "scale" and question.range:
            low, high = question.range
            line = [[str(low + (high - low) * (k + 1) // (about["positions"] + 1))] for k in range(about["positions"])]
        else:
            continue
        chosen[who] = _placed(made.alternatives[code], line)[position % len(line)]
    fast = rng.random(len(who)) < about["fast"]
    made.duration[who[fast]] = DURATIONS.index(about["duration"])


def _placed(alternatives: list[list[str]], wanted: list[list[str]]) -> Codes:
    """Positions of some alternatives, added where they are new."""
    for one in wanted:
        if one not in alternatives:
            alternatives.append(one)
    return np.array([alternatives.index(one) for one in wanted], np.int16)


def _stuff(rng: np.random.Generator, made: Simulated, days: int, words: Any) -> None:
    """Somebody gives top answers in rows: by the open link in bursts, and through invited people who are prompted."""
    about = words["stuffed"]
    invited, came = np.flatnonzero(made.mode == 0), np.flatnonzero(made.mode == 1)
    victims = rng.permutation(np.unique(made.unit))
    chosen = about["open"]
    target = victims[: chosen["units"]]
    if len(target) and len(came):
        who = rng.choice(came, int(chosen["share"] * len(came)), replace=False)
        made.unit[who] = rng.choice(target, len(who))
        burst = rng.integers(0, days, (int(made.unit.max()) + 1, chosen["days"]))
        made.day[who] = burst[made.unit[who], rng.integers(0, chosen["days"], len(who))]
        _top(rng, made, who, chosen, words)
    chosen = about["invitation"]
    target = victims[len(victims) // 2 :][: chosen["units"]]
    theirs = invited[np.isin(made.unit[invited], target)]
    _top(rng, made, theirs[rng.random(len(theirs)) < chosen["share"]], chosen, words)


def _top(rng: np.random.Generator, made: Simulated, who: Integers, about: Any, words: Any) -> None:
    for code, best in words["stuffed"]["answers"].items():
        made.answers[code][who] = _placed(made.alternatives[code], [[best]])[0]
    reports = who[rng.random(len(who)) < about["reports"]]
    question, code = list(words["prompting"].items())[int(rng.integers(0, 2))]
    made.answers[question][reports] = _placed(made.alternatives[question], [[code]])[0]
    made.duration[who[rng.random(len(who)) < about["fast"]]] = 0

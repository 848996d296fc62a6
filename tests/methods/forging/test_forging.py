"""Forged answers: closed forms against simply adding answers one by one, and against the trial that set the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.forging.allocation import best_addition, best_replacement
from methods.forging.assessors import Assessed, after_buying
from methods.forging.bands import band_of, smallest
from methods.forging.frozen import SmallArea
from methods.forging.respondents import Moved, Respondents, after_adding, after_replacing

TOP = np.array([100.0])


def one_unit(n: np.ndarray, mean: np.ndarray, share: np.ndarray | None = None, others: float = 0.0) -> Respondents:
    """One unit, a stratum a row, post-stratified to `share`; calibration holds `others` times its weight besides."""
    rows = len(n)
    weight = np.ones(rows) if share is None else share / n
    held = weight * n * (1.0 + others)
    return Respondents(
        np.zeros(rows, int), np.zeros(rows, int), np.arange(rows)[:, None], held[:, None], weight, n.astype(float),
        n[:, None].astype(float), (n * mean)[:, None], units=1,
    )  # fmt: skip


def trial() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strata of the trial from which the method was written."""
    rng = np.random.default_rng(2)
    share = rng.dirichlet(np.ones(8) * 3)
    n = rng.integers(3, 30, 8)
    return n, rng.uniform(55, 80, 8), share


def greedy(n: np.ndarray, mean: np.ndarray, share: np.ndarray, target: float) -> int:
    """Answers added one at a time where each moves the post-stratified mean most."""
    F = np.zeros(len(n))
    while share @ ((n * mean + 100 * F) / (n + F)) < target:
        gain = share * ((n * mean + (F + 1) * 100) / (n + F + 1) - (n * mean + F * 100) / (n + F))
        F[np.argmax(gain)] += 1
    return int(F.sum())


@pytest.mark.parametrize(("target", "fewest"), [(75, 10), (80, 42), (85, 102)])
def test_the_best_attack_on_post_strata_needs_what_the_trial_found(target: float, fewest: int) -> None:
    """10, 42 and 102 by the trial's greedy and closed forms; with weights taken as fixed 7, 21 and 45 seemed enough."""
    n, mean, share = trial()
    who = one_unit(n, mean, share)

    def passes(number: np.ndarray) -> np.ndarray:
        added = best_addition(who, number.astype(float), np.ones((1, 1)), TOP)
        return after_adding(who, added, TOP).direct[:, 0] >= target - 1e-9

    assert greedy(n, mean, share, target) == fewest
    assert smallest(passes, np.array([5000])).tolist() == [fewest]


@pytest.mark.parametrize(("target", "added", "replaced"), [(70, 14, 12), (75, 36, 27)])
def test_through_the_small_area_model_more_is_needed_than_a_mean_suggests(
    target: float, added: int, replaced: int
) -> None:
    """The trial: A = 36, variance 1400, x'b = 66, 60 answers with mean 66; naive numbers were 8 and 22."""
    who = one_unit(np.array([60]), np.array([66.0]), np.ones(1))
    full = np.full((1, 1), 1.0)
    model = SmallArea(1400 * full, 66 * full, 36 * full, *[0 * full] * 5)

    def adds(number: np.ndarray) -> np.ndarray:
        moved = after_adding(who, best_addition(who, number.astype(float), full, TOP), TOP)
        return model.estimate(moved)[:, 0] >= target

    def replaces(number: np.ndarray) -> np.ndarray:
        moved = after_replacing(who, best_replacement(who, number.astype(float), full, TOP), TOP)
        return model.estimate(moved)[:, 0] >= target

    assert smallest(adds, np.array([10_000])).tolist() == [added]
    assert smallest(replaces, np.array([60])).tolist() == [replaced]


def test_codes_that_run_out_make_it_impossible() -> None:
    n, mean, share = trial()
    who = one_unit(n, mean, share)

    def passes(number: np.ndarray) -> np.ndarray:
        added = best_addition(who, number.astype(float), np.ones((1, 1)), TOP, np.array([41.0]))
        return after_adding(who, added, TOP).direct[:, 0] >= 80.0 - 1e-9

    assert smallest(passes, np.array([41])).tolist() == [-1]
    assert smallest(passes, np.array([5000])).tolist() == [-1]


def simply(who: Respondents, added: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Design weights and one post-stratification of the unit and all the others, computed anew from the counts."""
    frame = float((who.weight * who.n).sum())
    n = who.n + added
    design = frame / n.sum()
    population = who.weight * who.n + others  # what calibration holds
    factor = population / (design * n + others)
    w = design * factor
    total = (w * n).sum()
    return float((w * (who.item_sum[:, 0] + added * 100)).sum() / total), float(total**2 / (w * w * n).sum())


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 3.0, 40.0]))
def test_adding_is_what_calibrating_anew_with_the_new_counts_gives(seed: int, others: float) -> None:
    rng = np.random.default_rng(seed)
    n, mean = rng.integers(1, 30, 5), rng.uniform(0, 100, 5)
    design = 7.0
    who = one_unit(n, mean, design * n, others)  # calibrated already: factors of 1
    added = rng.integers(0, 40, 5).astype(float)
    moved = after_adding(who, added, TOP)
    mean_after, effective = simply(who, added, others * who.weight * who.n)
    assert moved.direct[0, 0] == pytest.approx(mean_after, rel=1e-12)
    assert moved.effective[0, 0] == pytest.approx(effective, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1.0, 20.0]), st.integers(1, 60))
def test_no_other_way_to_spread_an_attack_reaches_more(seed: int, others: float, number: int) -> None:
    rng = np.random.default_rng(seed)
    n, mean = rng.integers(2, 30, 4), rng.uniform(20, 95, 4)
    who = one_unit(n, mean, rng.dirichlet(np.full(4, 3.0)), others)
    best = best_addition(who, np.array([float(number)]), np.ones((1, 1)), TOP)
    assert best.sum() == pytest.approx(number)
    reached = after_adding(who, best, TOP).direct[0, 0]
    for _ in range(30):
        other = number * rng.dirichlet(np.full(4, 0.6))
        assert after_adding(who, other, TOP).direct[0, 0] <= reached + 1e-3


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_no_other_way_to_replace_reaches_more(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    n, mean = rng.integers(2, 30, 4), rng.uniform(20, 95, 4)
    who = one_unit(n, mean, rng.dirichlet(np.full(4, 3.0)))
    number = min(number, int(n.sum()))
    best = best_replacement(who, np.array([float(number)]), np.ones((1, 1)), TOP)
    assert best.sum() == pytest.approx(number)
    reached = after_replacing(who, best, TOP).direct[0, 0]
    for _ in range(30):
        other = np.minimum(rng.multinomial(number, rng.dirichlet(np.ones(4))), n).astype(float)
        assert after_replacing(who, other, TOP).direct[0, 0] <= reached + 1e-9


def test_an_attack_goes_to_several_design_cells_only_as_far_as_each_has_codes() -> None:
    n, mean, share = np.array([20, 20, 20]), np.array([30.0, 60.0, 90.0]), np.full(3, 1 / 3)
    who = one_unit(n, mean, share)
    split = Respondents(
        who.unit, np.array([0, 1, 1]), who.cell, who.held, who.weight, who.n, who.item_n, who.item_sum, 1
    )
    added = best_addition(split, np.array([30.0]), np.ones((1, 1)), TOP, np.array([5.0, 100.0]))
    assert added[0] == pytest.approx(5.0, abs=1e-6)
    assert added.sum() == pytest.approx(30.0)


def test_units_do_not_disturb_each_other_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    rows, units = 40, 6
    unit = np.sort(rng.integers(0, units, rows))
    n = rng.integers(1, 20, rows).astype(float)
    item_n = np.floor(n[:, None] * rng.uniform(0.3, 1, (rows, 3)))
    item_sum = item_n * rng.uniform(20, 90, (rows, 3))
    weight = rng.uniform(1, 9, rows)
    worth, number = rng.uniform(0, 1, (units, 3)), rng.integers(1, 50, units).astype(float)
    top = np.array([100.0, 100.0, 80.0])

    def made(order: np.ndarray) -> Respondents:
        cell = unit * 4 + np.arange(rows) % 4
        held = 3 * np.bincount(cell, weight * n)[cell]
        return Respondents(
            unit[order], unit[order], cell[order, None], held[order, None], weight[order], n[order], item_n[order],
            item_sum[order], units, factor=np.ones(rows), limits=(0.3, 3.0),
        )  # fmt: skip

    straight, mixed = np.arange(rows), rng.permutation(rows)
    for best in (best_addition, best_replacement):
        few = np.minimum(number, np.bincount(unit, n, units))
        np.testing.assert_allclose(
            best(made(straight), few, worth, top)[mixed], best(made(mixed), few, worth, top), atol=1e-6
        )
    alone = np.where(np.arange(units) == 2, number, 0.0)
    together = after_adding(made(straight), best_addition(made(straight), number, worth, top), top)
    only = after_adding(made(straight), best_addition(made(straight), alone, worth, top), top)
    np.testing.assert_allclose(together.direct[2], only.direct[2], rtol=1e-6)
    plain = after_adding(made(straight), np.zeros(rows), top)
    np.testing.assert_allclose(np.delete(only.direct, 2, axis=0), np.delete(plain.direct, 2, axis=0))


def test_a_unit_that_nobody_answered_for_takes_the_first_forged_answers_as_they_are() -> None:
    zero = np.zeros(2, int)
    who = Respondents(
        zero,
        zero,
        np.array([[0], [1]]),
        np.full((2, 1), 50.0),
        np.ones(2),
        np.zeros(2),
        np.zeros((2, 1)),
        np.zeros((2, 1)),
        1,
    )
    moved = after_adding(who, best_addition(who, np.array([4.0]), np.ones((1, 1)), TOP), TOP)
    assert moved.direct[0, 0] == pytest.approx(100.0)
    assert np.isnan(after_adding(who, np.zeros(2), TOP).direct[0, 0])
    full = np.ones((1, 1))
    model = SmallArea(1400 * full, 60 * full, 36 * full, *[0 * full] * 5)
    assert model.estimate(Moved(np.full((1, 1), np.nan), np.zeros((1, 1)), np.zeros((1, 1))))[0, 0] == 60.0


def test_the_model_of_two_folds_pulls_a_unit_to_its_area_and_an_area_to_its_unit() -> None:
    """theta = x'b + (1 - B)(y - x'b) + B u with u = Var(u) sum w r / (1 + Var(u) sum w), by hand."""
    one, fit, A, U, n, y = 900.0, 60.0, 40.0, 20.0, 30.0, 75.0
    others_w, others_pull = 0.08, 0.08 * 4.0
    w = 1 / (A + one / n)
    u = U * (others_pull + w * (y - fit)) / (1 + U * (others_w + w))
    B = (one / n) / (A + one / n)
    f = np.ones((1, 1))
    model = SmallArea(one * f, fit * f, A * f, U * f, others_w * f, others_pull * f, 0 * f, 0 * f)
    assert model.estimate(Moved(y * f, n * f, n * f))[0, 0] == pytest.approx(fit + (1 - B) * (y - fit) + B * u)
    direct = SmallArea(one * f, fit * f, np.inf * f, *[0 * f] * 5)
    assert direct.estimate(Moved(y * f, n * f, n * f))[0, 0] == y


def test_a_frozen_model_moves_as_the_whole_model_does_when_one_unit_moves() -> None:
    """Predictor of two folds and difference benchmark over all units, computed anew after one unit's mean moved."""
    rng = np.random.default_rng(6)
    units, area = 12, np.repeat([0, 1, 2], 4)
    one, A, U, fit = 1000.0, 30.0, 15.0, rng.uniform(55, 65, units)
    n, y = rng.integers(10, 60, units).astype(float), rng.uniform(45, 80, units)
    share = rng.dirichlet(np.ones(units))

    def whole(y: np.ndarray, n: np.ndarray) -> np.ndarray:
        w, r = 1 / (A + one / n), y - fit
        u = np.array([U * (w * r)[area == a].sum() / (1 + U * w[area == a].sum()) for a in range(3)])
        theta = fit + A * w * r + (1 - A * w) * u[area]
        return theta + share @ y - share @ theta

    w = 1 / (A + one / n)
    B = 1 - A * w

    def others(values: np.ndarray) -> np.ndarray:
        return (np.bincount(area, values)[area] - values)[:, None]

    f = np.ones((units, 1))
    model = SmallArea(
        one * f, fit[:, None], A * f, U * f, others(w), others(w * (y - fit)), share[:, None], others(share * B)
    )
    for i in (0, 5, 11):
        moved, more = y.copy(), n.copy()
        moved[i], more[i] = 95.0, n[i] + 40
        gain = model.gain(
            Moved(y[:, None], n[:, None], n[:, None]), Moved(moved[:, None], more[:, None], more[:, None])
        )
        assert gain[i, 0] == pytest.approx((whole(moved, more) - whole(y, n))[i])


def test_two_margins_give_way_as_raking_anew_does() -> None:
    rng = np.random.default_rng(12)
    age, sex = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1])
    n, mean = rng.integers(5, 30, 6).astype(float), rng.uniform(20, 90, 6)
    population = (np.array([300.0, 500.0, 400.0]), np.array([550.0, 650.0]))

    def raked(n: np.ndarray) -> np.ndarray:
        w = np.full(6, 1200 / n.sum())
        for _ in range(200):
            for cell, count in ((age, population[0]), (sex, population[1])):
                w = w * (count / np.bincount(cell, w * n))[cell]
        return w

    cell = np.stack([age, sex], axis=1)
    held = np.stack([population[0][age], population[1][sex]], axis=1)
    zero = np.zeros(6, int)
    who = Respondents(zero, zero, cell, held, raked(n), n, n[:, None], (n * mean)[:, None], units=1)
    added = np.array([0.0, 12.0, 3.0, 0.0, 0.0, 30.0])
    w = raked(n + added)
    anew = (w * (n * mean + added * 100)).sum() / (w * (n + added)).sum()
    assert after_adding(who, added, TOP).direct[0, 0] == pytest.approx(anew, rel=1e-4)


def blup(made: Assessed, score: np.ndarray) -> np.ndarray:
    """(units, criteria) predictions from all scores at once, means taken as 0."""
    u, a, c = made.unit, made.assessor, made.criterion
    same_u, same_a, same_c = (x[:, None] == x[None, :] for x in (u, a, c))
    V = made.unit_variance * same_u + made.unit_criterion_variance * (same_u & same_c)
    V = V + made.assessor_variance * same_a + made.assessor_criterion_variance * (same_a & same_c)
    V = V + made.residual_variance * np.eye(len(u))
    alpha = np.linalg.solve(V, score)
    found = np.zeros((made.units, made.criteria))
    for unit in range(made.units):
        for criterion in range(made.criteria):
            k = made.unit_variance * (u == unit) + made.unit_criterion_variance * ((u == unit) & (c == criterion))
            found[unit, criterion] = k @ alpha
    return found


def test_bought_assessors_move_a_unit_as_predicting_anew_from_all_scores_does() -> None:
    rng = np.random.default_rng(8)
    units, assessors, criteria = 40, 12, 3
    rows = [(u, a, c) for u in range(units) for a in rng.choice(assessors, 3, replace=False) for c in range(criteria)]
    unit, assessor, criterion = np.array(rows).T
    made = Assessed(unit, assessor, criterion, np.zeros(len(rows)), 0.5, 0.4, 0.4, 0.2, 0.5, units, criteria)
    score = rng.normal(6, 1, len(rows))
    made = Assessed(unit, assessor, criterion, score, 0.5, 0.4, 0.4, 0.2, 0.5, units, criteria)
    gains = after_buying(made, np.full(criteria, 10.0), np.ones((units, criteria)))
    assert gains.shape == (4, units, criteria)
    before = blup(made, score)
    for u in (0, 7, 23):
        forged = np.where(unit == u, 10.0, score)
        np.testing.assert_allclose(gains[3, u], (blup(made, forged) - before)[u], rtol=0.08)
        assert (np.diff(gains[:, u].sum(axis=1)) > 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_scores_and_the_names_of_assessors_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(u, a, c) for u in range(5) for a in rng.choice(6, 2, replace=False) for c in range(2)]
    unit, assessor, criterion = np.array(rows).T
    score, top, worth = rng.uniform(2, 9, len(rows)), np.array([10.0, 10.0]), rng.uniform(0.1, 1, (5, 2))
    names, order = rng.permutation(6), rng.permutation(len(rows))
    plain = after_buying(Assessed(unit, assessor, criterion, score, 1.0, 0.5, 0.4, 0.2, 0.8, 5, 2), top, worth)
    mixed = Assessed(unit[order], names[assessor[order]], criterion[order], score[order], 1.0, 0.5, 0.4, 0.2, 0.8, 5, 2)
    np.testing.assert_allclose(plain, after_buying(mixed, top, worth), atol=1e-9)


def test_numbers_are_published_in_bands() -> None:
    assert [band_of(k) for k in (0, 9, 10, 49, 50, 199, 200, -1)] == [
        "under_10", "under_10", "10_to_50", "10_to_50", "50_to_200", "50_to_200", "more", "impossible",
    ]  # fmt: skip


def test_wrong_input_is_refused_by_name() -> None:
    good = one_unit(np.array([5, 6]), np.array([50.0, 60.0]))
    parts = {name: getattr(good, name) for name in Respondents.__slots__}
    for change, said in (
        ({"weight": np.array([1.0, -1.0])}, "weight must be finite"),
        ({"held": np.array([[np.nan], [1.0]])}, "held must be finite"),
        ({"cell": np.array([0, 1])}, "cell and held must both be"),
        ({"n": np.array([1.0])}, "n must have one value"),
        ({"item_n": np.array([[9.0], [1.0]])}, "item_n is greater than n"),
        ({"item_sum": np.array([[np.inf], [1.0]])}, "item_sum must be finite"),
        ({"unit": np.array([0, 4])}, "unit must be from 0 to 0"),
    ):
        with pytest.raises(ValueError, match=said):
            Respondents(**(parts | change))
    with pytest.raises(ValueError, match="nobody can be replaced twice"):
        after_replacing(good, np.array([6.0, 0.0]), TOP)
    with pytest.raises(ValueError, match="most is negative"):
        smallest(lambda number: number > 0, np.array([-1]))
    zero = np.zeros(1, int)
    with pytest.raises(ValueError, match="residual_variance is 0"):
        Assessed(zero, zero, zero, np.ones(1), 1.0, 0.0, 0.0, 0.0, 0.0, 1, 1)
    with pytest.raises(ValueError, match="unit_variance is nan"):
        Assessed(zero, zero, zero, np.ones(1), np.nan, 0.0, 0.0, 0.0, 1.0, 1, 1)
    with pytest.raises(ValueError, match="score must be finite"):
        Assessed(zero, zero, zero, np.array([np.nan]), 1.0, 0.0, 0.0, 0.0, 1.0, 1, 1)

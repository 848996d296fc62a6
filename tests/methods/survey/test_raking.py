"""Margins, collapsing, raking and calibration beyond the numbers of survey: what is refused, what is done instead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.survey.calibration import calibrate, inverse
from methods.survey.designs import simple, stratified
from methods.survey.estimation import Moments, means
from methods.survey.margins import collapse, margin
from methods.survey.raking import post_stratify, rake


def test_margins_that_disagree_are_refused_by_name_and_group():
    design, group = simple([10.0] * 8), [0, 0, 0, 0, 1, 1, 1, 1]
    age = margin("age", [0, 0, 1, 1, 2, 2, 3, 3], [50, 50, 30, 70], [0, 0, 1, 1])
    sex = margin("sex", [0, 1, 0, 1, 2, 3, 2, 3], [50, 50, 60, 50], [0, 0, 1, 1])
    with pytest.raises(
        ValueError, match=r"margin 'sex': its counts in group 1 add up to 110, those of margin 'age' to 100"
    ):
        rake(design, [age, sex], group)
    shares = rake(design, [age, sex], group, totals="shares")
    assert shares.deviation.max() < 1e-10


def test_empty_cells_are_refused_by_name():
    design = simple([10.0] * 3)
    with pytest.raises(ValueError, match="margin 'age': cell old has a population but no respondents"):
        post_stratify(design, margin("age", [0, 0, 1], [10, 10, 5], labels=("young", "middle", "old")))
    with pytest.raises(ValueError, match="margin 'age': cell 1 has respondents but no population"):
        post_stratify(design, margin("age", [0, 0, 1], [10, 0]))


def test_margins_that_the_sample_cannot_meet_are_refused_by_name():
    # young women and old men only: the margins fix the same cells to different counts
    age, sex = margin("age", [0, 1], [60, 40]), margin("sex", [0, 1], [50, 50])
    with pytest.raises(ValueError, match="margin 'age': raking does not converge"):
        rake(simple([10.0, 10.0]), [age, sex])
    told = rake(simple([10.0, 10.0]), [age, sex], unmet="report")
    assert dict(zip(told.names, told.deviation.round(2).tolist(), strict=True)) == {"age": 0.2, "sex": 0.0}


def test_limits_that_leave_a_margin_unmet_are_refused_or_reported():
    design, age = simple([10.0] * 10), margin("age", [0] * 9 + [1], [40, 60])
    with pytest.raises(ValueError, match=r"margin 'age': .* within the limits 0.3 and 3"):
        rake(design, [age], limits=(0.3, 3.0))
    told = rake(design, [age], limits=(0.3, 3.0), unmet="report")
    assert told.factor.max() == 3.0
    assert told.factor.min() == pytest.approx(40 / 90)
    assert told.deviation.tolist() == pytest.approx([1.0])


def test_binding_limits_still_meet_the_margins_where_they_can():
    rng = np.random.default_rng(3)
    rows = 400
    age, sex, edu = (rng.choice(k, rows, p=p) for k, p in ((2, [0.8, 0.2]), (2, [0.6, 0.4]), (2, [0.75, 0.25])))
    margins = [margin("age", age, [600, 400]), margin("sex", sex, [450, 550]), margin("edu", edu, [550, 450])]
    design = simple([1000 / rows] * rows)
    free, within = rake(design, margins), rake(design, margins, limits=(0.4, 3.0))
    assert free.factor.max() > 3.0
    assert within.factor.max() <= 3.0
    assert within.deviation.max() <= 1e-10
    # the truncated raking distance of Deville and Saerndal (case 7 with exp) has one solution
    X = np.column_stack([np.ones(rows), age, sex, edu])
    newton = calibrate(design, X, [1000, 400, 550, 450], "raking", (0.4, 3.0))
    assert within.factor == pytest.approx(newton.factor, rel=1e-7)


def test_skipped_answers_are_refused_or_keep_their_share():
    design, age = simple([10.0] * 5), margin("age", [0, 0, 0, 1, -1], [50, 50])
    with pytest.raises(ValueError, match="margin 'age': some respondents are in none of its cells"):
        rake(design, [age])
    found = rake(design, [age], totals="shares", skipped="proportional")
    assert found.factor.tolist() == pytest.approx([2 / 3] * 3 + [2.0, 1.0])
    # to counts, who skipped grows with the others
    counts = rake(design, [age], skipped="proportional")
    assert np.sum(10 * counts.factor) == pytest.approx(100)
    assert counts.factor == pytest.approx(2 * found.factor)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), least=st.integers(1, 40))
def test_collapsed_cells_are_large_enough_and_hold_everybody(seed, least):
    rng = np.random.default_rng(seed)
    rows, groups = 200, 3
    group = rng.integers(0, groups, rows)
    cell = np.where(rng.random(rows) < 0.05, -1, 5 * group + np.minimum(rng.geometric(0.5, rows) - 1, 4))
    given_ = margin("age", cell, rng.integers(0, 100, 15), np.repeat(np.arange(groups), 5))
    found = collapse(given_, np.ones(rows), group, least)
    size = np.bincount(found.cell[found.cell >= 0], minlength=len(found.count))
    assert np.all(size >= least)
    assert np.all(found.count > 0)
    assert np.all((found.cell == -1) | (cell >= 0))
    for g in range(groups):
        if np.any(found.cell[group == g] >= 0):  # nobody of a calibrated group is dropped, no person lost
            assert np.all((found.cell[group == g] == -1) == (cell[group == g] == -1))
            assert found.count[found.group == g].sum() == given_.count[given_.group == g].sum()


def test_a_group_too_thin_to_be_calibrated_is_left_as_it_is():
    thin = collapse(margin("age", [0, 1], [900, 100]), [8, 9])
    assert thin.cell.tolist() == [-1, -1]
    found = rake(simple([1.0, 1.0], [8, 9]), [thin], totals="shares", skipped="proportional")
    assert found.factor.tolist() == [1.0, 1.0]


def test_strata_that_share_a_calibration_area_have_the_variance_of_the_whole_procedure():
    # two units of one area, each a sample of its own: by repeating everything
    rng = np.random.default_rng(2)
    share, size = np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([120, 80])
    level = np.array([[40.0, 70.0], [50.0, 60.0]])
    domain, kind = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    found = []
    for _ in range(1500):
        counts = np.array([rng.multinomial(size[u], share[u]) for u in range(2)])
        values = [rng.normal(level[u, c], 10, counts[u, c]) for u in range(2) for c in range(2)]
        n = counts.ravel().astype(float)
        sums, squares = (np.array([[np.sum(v**power)] for v in values]) for power in (1, 2))
        design = stratified(np.ones(4), domain, n)
        raked = rake(design, [margin("kind", kind, [900.0, 1100.0])], totals="shares")
        one = means(design, Moments(n[:, None], sums, squares), domain, calibration=raked)
        found.append([*one.estimate[:, 0], *one.variance[:, 0]])
    found = np.array(found)
    assert found[:, 2:].mean(axis=0) == pytest.approx(found[:, :2].var(axis=0), rel=0.1)


def test_totals_that_cannot_be_reached_are_refused_by_name():
    design = simple([10.0] * 4)
    X = np.column_stack([np.ones(4), [0.0, 1, 2, 3]])
    with pytest.raises(ValueError, match=r"totals: income = 200 cannot be reached with factors within 0\.5 and 2"):
        calibrate(design, X, [40, 200], "logit", (0.5, 2.0), names=("size", "income"))
    with pytest.raises(ValueError, match="totals"):  # the second column is twice the first, its total is not
        calibrate(design, np.column_stack([np.ones(4), 2 * np.ones(4)]), [40, 100])


def test_auxiliaries_that_depend_on_each_other_do_no_harm():
    design = simple([10.0] * 4)
    X = np.column_stack([np.ones(4), [0.0, 0, 1, 1], [1.0, 1, 0, 0]])
    assert calibrate(design, X, [40, 25, 15]).factor == pytest.approx([0.75, 0.75, 1.25, 1.25])
    gram = X.T @ X
    assert gram @ inverse(gram) @ gram == pytest.approx(gram)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: margin("age", [0, 2], [1, 1]), "margin 'age': cell"),
        (lambda d: margin("age", [0, 1], [1, -1]), "margin 'age': count"),
        (lambda d: margin("age", [0, 1], [1, np.nan]), "margin 'age': count"),
        (lambda d: margin("age", [0, 1], [1, 1], [0]), "margin 'age': group"),
        (lambda d: margin("age", [0, 1], [1, 1], labels=("a",)), "labels"),
        (lambda d: rake(d, []), "margins"),
        (lambda d: rake(d, [margin("age", [0], [1])]), "margin 'age': cells of 1 rows"),
        (lambda d: rake(d, [margin("age", [0, 1], [1, 1])], limits=(2, 3)), "limits"),
        (lambda d: rake(d, [margin("age", [0, 1], [1, 1], [0, 1])], [0, 0]), "a cell belongs to one group"),
        (lambda d: collapse(margin("age", [0, 1], [1, 1]), [1.0]), "n:"),
        (lambda d: calibrate(d, [[1.0]], [2]), "auxiliaries"),
        (lambda d: calibrate(d, [[1.0], [np.inf]], [2]), "auxiliaries"),
        (lambda d: calibrate(d, [[1.0], [1.0]], [np.nan]), "totals"),
        (lambda d: calibrate(d, [[1.0], [1.0]], [2], "other"), "distance"),
        (lambda d: calibrate(d, [[1.0], [1.0]], [2], "logit"), "bounds"),
        (lambda d: calibrate(d, [[1.0], [1.0]], [2], bounds=(1.5, 3)), "bounds"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(simple([1.0, 1.0]))

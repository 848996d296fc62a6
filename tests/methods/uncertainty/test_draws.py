"""Draws against their distributions, and against themselves: any threads, any cut into pieces, any order of rows."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats

from methods.inputs import BETA, GAMMA, NORMAL, POINT, Factors, Inputs
from methods.uncertainty.draws import BLOCK, run, stream
from methods.uncertainty.form import in_order, point_values
from methods.uncertainty.layout import AT_ONCE, Group, Lines, lay_out

NAN = np.nan
NONE = np.full((4, 2), NAN)
FROZEN = [65.19060949528914, 61.49630371523701, 0.8446443052170198, 2.0198533133365433, 2.5138973193355802]


def inputs(*rows):
    """Rows (unit, indicator, family, a, b, direct, direct_sd)."""
    columns = np.array(rows, dtype=float).reshape(-1, 7).T
    whole = [columns[i].astype(np.int64) for i in range(3)]
    return Inputs(*whole, *columns[3:], np.full(columns.shape[1], 10.0))


def factors(names, *rows):
    """Rows (factor, unit, indicator, loading, direct loading)."""
    columns = np.array(rows, dtype=float).reshape(-1, 5).T
    return Factors(tuple(names), *(columns[i].astype(np.int64) for i in range(3)), columns[3], columns[4])


ALONE = factors([])


def collect(given, shared=ALONE, groups=None, limits=NONE, draws=4096, seed=1, threads=1, lines=None, at_once=AT_ONCE):
    """Draws by group: (draws, members, used) of estimates, and of direct ones where wanted."""
    groups = groups or [Group(np.arange(2), np.arange(limits.shape[0]), True)]
    shapes = [(draws, g.units.size, g.indicators.size) for g in groups]
    estimate, direct = [np.full(s, NAN) for s in shapes], [np.full(s, NAN) for s in shapes]

    def consume(tile, where, block):
        estimate[tile.group][where, tile.members] = block.estimate
        if block.direct is not None:
            direct[tile.group][where, tile.members] = block.direct

    run(lay_out(given, shared, groups, limits, lines, at_once), seed, draws, consume, threads=threads)
    return estimate, direct


MIXED = inputs(
    (0, 0, NORMAL, 60, 3, 66, 5),
    (1, 0, NORMAL, 50, 2, NAN, NAN),
    (0, 1, BETA, 8, 2, 0.9, 0.1),
    (1, 1, BETA, 3, 9, NAN, NAN),
    (0, 2, GAMMA, 4, 2, 2.5, 0.7),
    (1, 2, POINT, 7, 0, NAN, NAN),
    (1, 3, NORMAL, 10, 1, 12, 0),
)
SHARED = factors(
    ["respondents", "assessor", "unused"], (0, 0, 0, 4, 3), (0, 1, 0, 2, 9), (1, 0, 0, 1, 0), (1, 1, 3, -2, -1)
)


def test_every_family_is_drawn_from_its_distribution():
    (x,), _ = collect(MIXED, SHARED)
    for (u, j), distribution in {
        (0, 0): stats.norm(60, np.sqrt(9 + 16 + 1)),
        (1, 0): stats.norm(50, np.sqrt(4 + 4)),
        (0, 1): stats.beta(8, 2),
        (1, 1): stats.beta(3, 9),
        (0, 2): stats.gamma(4, scale=1 / 2),
        (1, 3): stats.norm(10, np.sqrt(1 + 4)),
    }.items():
        assert stats.kstest(x[:, u, j], distribution.cdf).pvalue > 0.001, (u, j)
    assert (x[:, 1, 2] == 7).all()


def test_shared_factors_make_the_covariances_that_their_loadings_say():
    (x,), _ = collect(MIXED, SHARED, draws=40_000)
    a, b, c = x[:, 0, 0], x[:, 1, 0], x[:, 1, 3]
    for first, second, expected in ((a, b, 4 * 2), (a, c, 1 * -2), (b, c, 0)):
        assert np.cov(first, second)[0, 1] == pytest.approx(expected, abs=5 * first.std() * second.std() / 200)


def test_direct_estimates_come_from_the_same_factors_with_their_own_loadings():
    (x,), (d,) = collect(MIXED, SHARED, draws=40_000)
    assert d[:, 0, 0].mean() == pytest.approx(66, abs=0.15)
    assert d[:, 0, 0].var() == pytest.approx(25 + 9, rel=0.03)
    assert np.cov(x[:, 0, 0], d[:, 0, 0])[0, 1] == pytest.approx(3 * 5 + 4 * 3, rel=0.05)  # one e, one z
    assert d[:, 1, 3].var() == pytest.approx(1, rel=0.03)
    assert d[:, 0, 2].mean() == pytest.approx(2.5, abs=0.02)
    assert d[:, 0, 2].std() == pytest.approx(0.7, rel=0.03)
    assert (d[:, 0, 1] <= 1).all()


def test_a_withheld_direct_estimate_falls_back_on_the_estimate():
    (x,), (d,) = collect(MIXED, SHARED)
    for cell in ((1, 0), (1, 1), (1, 2)):  # blank; the loading of 9 on the blank one is not used
        np.testing.assert_allclose(d[:, *cell], x[:, *cell], rtol=1e-12)


def test_normal_draws_are_clipped_to_the_scale_of_the_indicator():
    limits = np.array([[0.0, 58.0], [NAN, NAN], [NAN, NAN], [9.5, NAN]])
    (x,), (d,) = collect(MIXED, SHARED, limits=limits)
    assert x[:, 0, 0].max() == 58.0
    assert d[:, 0, 0].max() == 58.0
    assert x[:, 1, 3].min() == 9.5
    assert x[:, 1, 3].max() > 12


def test_threads_do_not_change_a_bit_and_more_draws_only_add():
    one, _ = collect(MIXED, SHARED, draws=1000)
    three, _ = collect(MIXED, SHARED, draws=1000, threads=3)
    fewer, _ = collect(MIXED, SHARED, draws=300, threads=2)
    np.testing.assert_array_equal(one[0], three[0])
    np.testing.assert_array_equal(one[0][:300], fewer[0])


def test_another_seed_gives_other_draws_and_blocks_differ():
    one, _ = collect(MIXED, SHARED, draws=BLOCK * 2)
    other, _ = collect(MIXED, SHARED, draws=BLOCK * 2, seed=2)
    assert not np.isin(other[0][:, 0, 0], one[0][:, 0, 0]).any()
    assert not np.isin(one[0][BLOCK:, 0, 0], one[0][:BLOCK, 0, 0]).any()


def test_the_order_of_rows_and_of_names_in_a_file_changes_nothing():
    rng = np.random.default_rng(3)
    rows = rng.permutation(MIXED.a.size)
    shuffled = Inputs(*(getattr(MIXED, f.name)[rows] for f in fields(Inputs)))
    loads = rng.permutation(SHARED.factor.size)
    renumbered = np.array([2, 0, 1])  # names in another order, and one that loads on nothing left out
    other = Factors(
        ("assessor", "more", "respondents"),
        renumbered[SHARED.factor[loads]],
        *(getattr(SHARED, name)[loads] for name in ("unit", "indicator", "loading", "direct_loading")),
    )
    np.testing.assert_array_equal(collect(MIXED, SHARED)[0][0], collect(shuffled, other)[0][0])


def test_rows_without_a_number_are_as_if_they_were_not_there():
    without = inputs((0, 0, NORMAL, 60, 3, 66, 5), (1, 1, BETA, 3, 9, NAN, NAN))
    blank = inputs((0, 0, NORMAL, 60, 3, 66, 5), (1, 0, NORMAL, NAN, NAN, NAN, NAN), (1, 1, BETA, 3, 9, NAN, NAN))
    np.testing.assert_array_equal(collect(without)[0][0], collect(blank)[0][0])
    assert in_order(blank, ALONE)[0].a.tolist() == [60, 3]


def test_units_of_different_groups_share_factors():
    groups = [Group(np.array([0]), np.array([0]), False), Group(np.array([1]), np.array([0, 3]), False)]
    (x, y), _ = collect(MIXED, SHARED, groups=groups, draws=40_000)
    assert np.cov(x[:, 0, 0], y[:, 0, 0])[0, 1] == pytest.approx(8, rel=0.1)
    assert x.shape == (40_000, 1, 1)
    assert y.shape == (40_000, 1, 2)


def test_a_group_asked_for_no_direct_draws_has_none():
    seen = []
    layout = lay_out(MIXED, SHARED, [Group(np.arange(2), np.arange(4), False)], NONE)
    run(layout, 1, BLOCK, lambda tile, where, block: seen.append(block))
    assert seen[0].direct is None
    assert seen[0].estimate.shape == (BLOCK, 2, 4)


def world(units, seed):
    """Units with four inputs of mixed families, gaps, factors of their own and shared ones, in two groups."""
    rng = np.random.default_rng(seed)
    unit, indicator = (x.ravel() for x in np.meshgrid(np.arange(units), np.arange(4), indexing="ij"))
    family = rng.integers(0, 4, unit.size)
    a, b = rng.uniform(1, 9, unit.size), rng.uniform(0.5, 3, unit.size)
    a[rng.random(unit.size) < 0.1] = NAN
    withheld = rng.random(unit.size) < 0.3
    direct = np.where(withheld, NAN, np.where(family == BETA, 0.5, a + 0.1))
    made = Inputs(unit, indicator, family, a, b, direct, np.where(withheld, NAN, 0.4), np.full(unit.size, 9.0))
    loads = np.flatnonzero((family != POINT) & ~np.isnan(a) & (rng.random(unit.size) < 0.7))
    twice = np.concatenate([loads, loads, loads[:3]])
    own = unit[loads] * 2 + indicator[loads] % 2
    factor = np.concatenate([own, 2 * units + rng.integers(0, 3, loads.size), own[:3]])
    names = tuple(f"f{k}" for k in rng.permutation(2 * units + 3))
    sizes = rng.normal(0, 0.2, (2, twice.size))
    groups = [
        Group(np.arange(units // 3), np.arange(4), True),
        Group(np.arange(units // 3, units), np.arange(3), False),
    ]
    return made, Factors(names, factor, unit[twice], indicator[twice], *sizes), groups


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("at_once", [1, 3, 10, 1000])
def test_units_at_a_time_and_threads_do_not_change_a_bit(at_once, threads):
    made, shared, groups = world(31, 5)
    limits = np.array([[2.0, 8.0], [NAN, 7.0], [NAN, NAN], [0.0, NAN]])
    whole = collect(made, shared, groups, limits, draws=700)
    parts = collect(made, shared, groups, limits, draws=700, at_once=at_once, threads=threads)
    for one, other in zip((*whole[0], *whole[1]), (*parts[0], *parts[1]), strict=True):
        assert one.tobytes() == other.tobytes()


@for_all(units=st.integers(3, 20), at_once=st.integers(1, 20), draws=st.integers(1, 600), threads=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_any_cut_of_any_inputs_gives_the_same_draws(units, at_once, draws, threads):
    made, shared, groups = world(units, units)
    whole = collect(made, shared, groups, draws=600)
    parts = collect(made, shared, groups, draws=draws, at_once=at_once, threads=threads)
    for one, other in zip(whole[0], parts[0], strict=True):
        assert one[:draws].tobytes() == other.tobytes()


def test_what_a_seed_means_stays_as_it_is():
    """Frozen: editions that were published are recomputed from their seed. Made by this engine, numpy 2.4."""
    (x,), (d,) = collect(MIXED, SHARED, draws=BLOCK + 1)
    np.testing.assert_allclose([x[0, 0, 0], x[-1, 0, 0], x[-1, 0, 1], x[-1, 0, 2], d[-1, 0, 2]], FROZEN, rtol=1e-12)


def test_lines_are_what_normalising_the_draws_gives():
    made, shared, groups = world(12, 8)
    limits = np.array([[2.0, 8.0], [NAN, NAN], [NAN, NAN], [0.0, NAN]])
    offset, slope = np.array([10.0, 0.0, 50.0, 3.0]), np.array([5.0, -20.0, 2.0, 1.0])
    lower, upper = np.array([0.0, -90.0, -np.inf, 0.0]), np.array([40.0, 0.0, np.inf, 9.0])
    straight = collect(made, shared, groups, limits, draws=300, lines=Lines(offset, slope, lower, upper))
    raw = collect(made, shared, groups, limits, draws=300)
    there = np.zeros((12, 4), bool)
    there[made.unit[~np.isnan(made.a)], made.indicator[~np.isnan(made.a)]] = True
    for kind in (0, 1):
        for g, group in enumerate(groups):
            j, here = group.indicators, there[np.ix_(group.units, group.indicators)]
            expected = np.clip(offset[j] + slope[j] * raw[kind][g], lower[j], upper[j])
            np.testing.assert_allclose(straight[kind][g][:, here], expected[:, here], rtol=0, atol=1e-11)


def test_a_beta_draw_that_leans_on_factors_keeps_its_mean_and_its_variance():
    lean = factors(["f"], (0, 0, 1, 0.08, 0), (0, 1, 1, 0.08, 0))
    (x,), _ = collect(MIXED, lean, draws=60_000)
    for u, (a, b) in enumerate(((8, 2), (3, 9))):
        assert x[:, u, 1].mean() == pytest.approx(a / (a + b), abs=0.003)
        assert x[:, u, 1].std() == pytest.approx(stats.beta(a, b).std(), rel=0.03)
    assert np.cov(x[:, 0, 1], x[:, 1, 1])[0, 1] == pytest.approx(0.08**2, rel=0.1)


def test_point_values_are_the_means_of_the_families():
    values = point_values(MIXED, 3, NONE)
    np.testing.assert_allclose(values[0], [60, 0.8, 2, NAN])
    np.testing.assert_allclose(values[1], [50, 0.25, 7, 10])
    assert np.isnan(values[2]).all()
    direct = point_values(MIXED, 3, np.array([[0.0, 65.0], [NAN, NAN], [NAN, NAN], [NAN, 11.0]]), direct=True)
    np.testing.assert_allclose(direct[0], [65, 0.9, 2.5, NAN])
    np.testing.assert_allclose(direct[1], [50, 0.25, 7, 11])


def test_no_inputs_at_all_give_no_draws_and_no_error():
    (x,), _ = collect(inputs(), draws=5)
    assert (x == 0).all()


def test_progress_reaches_one():
    seen = []
    layout = lay_out(MIXED, SHARED, [Group(np.arange(2), np.arange(4), False)], NONE)
    run(layout, 1, 3 * BLOCK, lambda tile, where, block: None, progress=seen.append)
    assert seen == [1 / 3, 2 / 3, 1.0]


def test_an_error_in_a_thread_comes_through():
    layout = lay_out(MIXED, SHARED, [Group(np.arange(2), np.arange(4), False)], NONE)

    def consume(tile, where, block):
        raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        run(layout, 1, 10 * BLOCK, consume, threads=2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((0, 9, NORMAL, 1, 1, NAN, NAN), "indicator 9; it must be 0 to 3"),
        ((-1, 0, NORMAL, 1, 1, NAN, NAN), "unit -1; it must be 0 to 0"),
        ((0, 0, NORMAL, 1, -1, NAN, NAN), "unit 0, indicator 0: a 1.0, b -1.0.*b must be a finite number, 0 or more"),
        ((0, 0, BETA, 0, 1, NAN, NAN), "a and b must be above 0"),
        ((0, 0, GAMMA, 1, 0, NAN, NAN), "a and b must be above 0"),
        ((0, 0, NORMAL, np.inf, 1, NAN, NAN), "a must be finite"),
        ((0, 0, NORMAL, 1, 1, 1, -2), "direct_sd must be 0 or more"),
        ((0, 0, NORMAL, 1, NAN, NAN, NAN), "b must be a finite number, 0 or more"),
        ((0, 0, 7, 1, 1, NAN, NAN), "family must be 0 to 3"),
    ],
)
def test_an_input_that_cannot_be_drawn_is_named(row, message):
    with pytest.raises(ValueError, match=message):
        lay_out(inputs(row), ALONE, [Group(np.array([0]), np.arange(4), False)], NONE)


def test_two_inputs_of_one_cell_are_refused():
    twice = inputs((0, 1, NORMAL, 1, 1, NAN, NAN), (0, 1, POINT, 1, 1, NAN, NAN))
    with pytest.raises(ValueError, match="unit 0, indicator 1 has two inputs"):
        lay_out(twice, ALONE, [], NONE)


def test_a_factor_may_not_load_on_a_point():
    at = int(np.flatnonzero(MIXED.family == POINT)[0])
    unit, indicator = int(MIXED.unit[at]), int(MIXED.indicator[at])
    with pytest.raises(ValueError, match=f"factor f loads on unit {unit}, indicator {indicator}, which is a point"):
        lay_out(MIXED, factors(["f"], (0, unit, indicator, 1, 1)), [], NONE)
    with pytest.raises(ValueError, match="factor loading 0: indicator 4; it must be 0 to 3"):
        lay_out(MIXED, factors(["f"], (0, 0, 4, 1, 1)), [], NONE)


def test_wrong_loadings_groups_and_limits_are_named():
    with pytest.raises(
        ValueError, match=r"factor f loads inf and 1\.0 on unit 0, indicator 0; loadings must be finite"
    ):
        lay_out(MIXED, factors(["f"], (0, 0, 0, np.inf, 1)), [], NONE)
    both = [Group(np.arange(2), np.arange(4), False), Group(np.array([1]), np.arange(4), False)]
    with pytest.raises(ValueError, match="unit 1 is in two groups"):
        lay_out(MIXED, SHARED, both, NONE)
    with pytest.raises(ValueError, match="group 0: its units and indicators must be ascending"):
        lay_out(MIXED, SHARED, [Group(np.array([1, 0]), np.arange(4), False)], NONE)
    with pytest.raises(ValueError, match=r"limits of indicator 1 are \[5.0, 2.0\]"):
        lay_out(MIXED, SHARED, [], np.array([[0.0, 1.0], [5.0, 2.0], [0.0, 1.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="at_once is 0"):
        lay_out(MIXED, SHARED, [], NONE, at_once=0)


def test_seeds_and_numbers_of_draws_out_of_range_are_refused():
    with pytest.raises(ValueError, match="seed -1"):
        stream(-1, 0)
    with pytest.raises(ValueError, match="0 draws; at least 1"):
        collect(MIXED, draws=0)
    with pytest.raises(ValueError, match="0 threads; at least 1"):
        collect(MIXED, threads=0)


def test_a_loading_given_in_two_parts_adds_up_before_it_is_squared():
    parts = factors(["f"], (0, 0, 0, 1, 0), (0, 0, 0, 3, 0))
    (x,), _ = collect(replace(MIXED, b=np.where(MIXED.family == NORMAL, 0, MIXED.b)), parts, draws=20_000)
    assert x[:, 0, 0].std() == pytest.approx(4, rel=0.03)

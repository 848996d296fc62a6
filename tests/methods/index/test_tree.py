"""The tree against a published index (COINr's ASEM example, sustainability half) and against hand arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.index import hierarchy
from methods.index.tree import Tree, aggregate, normalise, power_mean, standing, storeys

NAN = np.nan


def tree(**changes):
    """Two dimensions of two indicators and of one; two levels, the second without the last dimension."""
    parts = {
        "dimension": np.array([0, 0, 1]),
        "weight": np.array([[1.0, 3.0, 1.0], [1.0, 3.0, 0.0]]),
        "dimension_weight": np.array([[0.25, 0.75], [1.0, 0.0]]),
        "worst": np.array([0.0, 10.0, NAN]),
        "best": np.array([1.0, 0.0, NAN]),
    }
    return Tree(**{**parts, **changes})


def everything(t, level, **changes):
    shape = (level.size, t.dimension.size)
    parts = {"applies": np.ones(shape, bool), "own": np.ones(shape, bool), "imputed": np.zeros(shape, bool)}
    return standing(t, level, **{**parts, **changes})


def test_the_sustainability_half_of_the_asem_index_comes_out(asem):
    names = ["Environ", "Social", "SusEcFin"]
    parents = dict(zip(asem.nodes, asem.parents, strict=True))
    here = [j for j, name in enumerate(asem.indicators) if parents[name] in names]
    treated, low, high = asem.treated[:, here], asem.treated[:, here].min(axis=0), asem.treated[:, here].max(axis=0)
    more = asem.direction[here] > 0
    shape = Tree(
        dimension=np.array([names.index(parents[asem.indicators[j]]) for j in here]),
        weight=np.ones((1, len(here))),
        dimension_weight=np.ones((1, len(names))),
        worst=np.where(more, low, high),
        best=np.where(more, high, low),
    )
    assert (~more).sum() == 11  # both directions are there
    scores = normalise(shape, treated)
    np.testing.assert_allclose(scores, asem.normalised[:, here], atol=1e-10)
    dimensions, index = aggregate(shape, everything(shape, np.zeros(len(treated), int)), scores)
    expected = asem.index[:, [asem.groups.index(name) for name in [*names, "Sust"]]]
    np.testing.assert_allclose(np.column_stack([dimensions, index]), expected, atol=1e-10)


def test_goalposts_score_their_ends_exactly_and_clip_beyond_them():
    raw = np.array([[0.0, 10.0, 33.0], [1.0, 0.0, 33.0], [1.5, -5.0, 33.0], [-1.0, 99.0, 33.0]])
    assert normalise(tree(), raw).tolist() == [[0, 0, 33], [100, 100, 33], [100, 100, 33], [0, 0, 33]]
    assert normalise(tree(clip=False), raw)[2].tolist() == [150, 150, 33]
    assert normalise(tree(scale=(1.0, 5.0)), raw)[:2].tolist() == [[1, 1, 33], [5, 5, 33]]


def test_widened_goalposts_move_both_ends_out_by_a_share_of_their_distance():
    scores = normalise(tree(), np.array([[-0.1, 11.0, 7.0], [1.1, -1.0, 7.0], [0.5, 5.0, 7.0]]), widened=0.1)
    np.testing.assert_allclose(scores, [[0, 0, 7], [100, 100, 7], [50, 50, 7]], atol=1e-12)


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        (1.0, 0.25 * 20 + 0.75 * 80),
        (0.5, (0.25 * 20**0.5 + 0.75 * 80**0.5) ** 2),
        (0.0, 20**0.25 * 80**0.75),
        (-1.0, 1 / (0.25 / 20 + 0.75 / 80)),
        (2.0, (0.25 * 20**2 + 0.75 * 80**2) ** 0.5),
    ],
)
def test_a_power_mean_follows_its_formula_at_both_storeys(exponent, expected):
    scores = np.array([[20.0, 80.0, 55.0]])
    across = Tree(np.array([0, 1]), np.ones((1, 2)), np.array([[1.0, 3.0]]), *np.full((2, 2), NAN), across=exponent)
    _, index = aggregate(across, everything(across, np.zeros(1, int)), scores[:, :2])
    within = tree(within=exponent)
    dimensions, _ = aggregate(within, everything(within, np.zeros(1, int)), scores)
    assert index[0] == pytest.approx(expected, rel=1e-13)
    assert dimensions[0].tolist() == pytest.approx([expected, 55.0], rel=1e-13)


def test_geometric_means_floor_scores_at_one_and_do_not_fall_to_zero():
    t = tree(within=0.0)
    dimensions, _ = aggregate(t, everything(t, np.zeros(1, int)), np.array([[0.0, 81.0, 5.0]]))
    assert dimensions[0, 0] == pytest.approx(27.0)  # 1 ** 0.25 * 81 ** 0.75
    assert tree(scale=(0.0, 1.0)).floor == pytest.approx(0.01)
    assert tree(scale=(1.0, 100.0)).floor == 1.0


def test_what_does_not_apply_passes_its_weight_on_within_its_dimension():
    applies = np.array([[True, False, True]])
    has = everything(tree(), np.zeros(1, int), applies=applies)
    assert has.weight.tolist() == [[1.0, 0.0, 1.0]]
    assert has.dimension_weight.tolist() == [[0.25, 0.75]]
    assert has.index_present.tolist() == [1.0]  # nothing that applies is missing
    assert np.isnan(has.indicator_present[0, 1])


def test_a_dimension_that_does_not_apply_passes_its_weight_to_the_others():
    has = everything(tree(), np.zeros(1, int), applies=np.array([[True, True, False]]))
    assert has.dimension_weight.tolist() == [[1.0, 0.0]]
    assert np.isnan(has.dimension_present[0, 1])
    assert has.index_present.tolist() == [1.0]


def test_weights_are_those_of_the_level():
    has = everything(tree(), np.array([0, 1]))
    assert has.dimension_weight.tolist() == [[0.25, 0.75], [1.0, 0.0]]
    assert np.isnan(has.indicator_present[1, 2])


def test_a_missing_indicator_is_left_out_and_told_by_the_weight_present():
    own = np.array([[True, False, True]])
    has = everything(tree(), np.zeros(1, int), own=own)
    assert has.weight.tolist() == [[1.0, 0.0, 1.0]]
    assert has.dimension_present.tolist() == [[0.25, 1.0]]
    assert has.index_present.tolist() == [0.25 * 0.25 + 0.75]
    _, index = aggregate(tree(), has, np.array([[40.0, NAN, 80.0]]))
    assert index.tolist() == [70.0]


def test_an_imputed_indicator_carries_weight_but_is_not_present():
    own, imputed = np.array([[True, False, True]]), np.array([[False, True, False]])
    has = everything(tree(), np.zeros(1, int), own=own, imputed=imputed)
    assert has.weight.tolist() == [[0.25, 0.75, 1.0]]
    assert has.dimension_present.tolist() == [[0.25, 1.0]]
    assert has.own.tolist() == [2]


def test_a_dimension_with_too_little_of_its_own_is_not_scored():
    own, imputed = np.array([[True, False, True]]), np.array([[False, True, False]])
    has = everything(tree(), np.zeros(1, int), own=own, imputed=imputed, dimension_min=0.5)
    assert has.weight.tolist() == [[0.0, 0.0, 1.0]]
    assert has.dimension_weight.tolist() == [[0.0, 1.0]]
    assert has.index_present.tolist() == [0.75]
    dimensions, index = aggregate(tree(), has, np.array([[40.0, 40.0, 80.0]]))
    assert np.isnan(dimensions[0, 0])
    assert index.tolist() == [80.0]


def test_a_share_equal_to_the_least_share_is_enough_despite_rounding():
    t = Tree(np.zeros(3, int), np.full((1, 3), 0.1), np.ones((1, 1)), *np.full((2, 3), NAN))
    has = everything(t, np.zeros(1, int), own=np.array([[True, True, False]]), dimension_min=2 / 3)
    assert has.dimension_weight.tolist() == [[1.0]]


def test_a_unit_with_nothing_has_no_index():
    has = everything(tree(), np.zeros(1, int), own=np.zeros((1, 3), bool))
    dimensions, index = aggregate(tree(), has, np.full((1, 3), NAN))
    assert np.isnan(dimensions).all()
    assert np.isnan(index).all()
    assert has.index_present.tolist() == [0.0]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.5, 0.0, -1.0]), st.sampled_from([1.0, 0.5, 0.0, -1.0]))
def test_draws_of_any_memory_order_go_the_way_of_single_values_to_the_last_bit(seed, within, across):
    rng = np.random.default_rng(seed)
    t = tree(within=within, across=across, worst=np.array([0.0, 100.0, NAN]), best=np.array([100.0, 0.0, NAN]))
    level = rng.integers(0, 2, 7)
    own = rng.random((7, 3)) < 0.7
    has = everything(t, level, own=own)
    draws = rng.uniform(-10, 110, (5, 7, 3))
    dimensions, index = aggregate(t, has, normalise(t, draws))
    for r in range(5):
        one = aggregate(t, has, normalise(t, draws[r]))
        np.testing.assert_array_equal(dimensions[r], one[0])
        np.testing.assert_array_equal(index[r], one[1])
    across_memory = np.moveaxis(np.ascontiguousarray(np.moveaxis(draws, (0, 1, 2), (2, 1, 0))), (0, 1, 2), (2, 1, 0))
    np.testing.assert_array_equal(aggregate(t, has, normalise(t, across_memory))[1], index)


def written_out(t, level, applies, own, imputed, least):
    """The two storeys without a hierarchy, line by line."""
    applicable = t.weight[level] * applies
    usable = applicable * (own | imputed)
    dimensions = t.dimension_weight.shape[1]
    total, held, used = (np.zeros((level.size, dimensions)) for _ in range(3))
    for j, d in enumerate(t.dimension):
        total[:, d] += applicable[:, j]
        held[:, d] += applicable[:, j] * own[:, j]
        used[:, d] += usable[:, j]
    outer = np.where(total > 0, t.dimension_weight[level], 0.0)
    present = np.divide(held, total, out=np.full_like(total, NAN), where=outer > 0)
    scored = (used > 0) & (outer > 0) & (np.nan_to_num(present) >= least - 1e-9)
    weight = np.divide(
        usable, used[:, t.dimension], out=np.zeros_like(usable), where=scored[:, t.dimension] & (usable > 0)
    )
    whole, counted, kept = np.zeros(level.size), np.zeros(level.size), np.zeros(level.size)
    for d in range(dimensions):
        whole += outer[:, d]
        counted += outer[:, d] * scored[:, d] * np.nan_to_num(present[:, d])
        kept += outer[:, d] * scored[:, d]
    return {
        "weight": weight,
        "dimension_weight": np.divide(outer, kept[:, None], out=np.zeros_like(outer), where=scored),
        "dimension_present": present,
        "index_present": np.divide(counted, whole, out=np.zeros_like(whole), where=whole > 0),
        "own": (own & (applicable > 0) & (outer > 0)[:, t.dimension]).sum(axis=1),
    }


@settings(deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1.0, 0.5, 0.0, -1.0]),
    st.sampled_from([1.0, 0.5, 0.0, -1.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_two_storeys_are_a_hierarchy_to_the_last_bit(seed, within, across, least):
    rng = np.random.default_rng(seed)
    units, indicators, dimensions = rng.integers(1, 9), rng.integers(1, 12), rng.integers(1, 5)
    t = Tree(
        dimension=rng.integers(0, dimensions, indicators),  # some dimensions may be empty
        weight=rng.uniform(0, 2, (2, indicators)) * (rng.random((2, indicators)) < 0.8),
        dimension_weight=rng.uniform(0, 2, (2, dimensions)) * (rng.random((2, dimensions)) < 0.8),
        worst=np.full(indicators, NAN),
        best=np.full(indicators, NAN),
        within=within,
        across=across,
    )
    level = rng.integers(0, 2, units)
    applies, own, imputed = (rng.random((units, indicators)) < p for p in (0.8, 0.7, 0.3))
    scores = rng.uniform(0, 100, (3, units, indicators))
    has = standing(t, level, applies, own, imputed, least)
    for name, expected in written_out(t, level, applies, own, imputed, least).items():
        np.testing.assert_array_equal(getattr(has, name), expected, err_msg=name)
    columns = []
    for d in range(dimensions):
        at = np.flatnonzero(t.dimension == d)
        mean = power_mean([scores[..., j] for j in at], [has.weight[:, j] for j in at], within, t.floor)
        columns.append(mean if at.size else np.full((3, units), NAN))
    index = power_mean(columns, [has.dimension_weight[:, d] for d in range(dimensions)], across, t.floor)
    found = aggregate(t, has, scores)
    np.testing.assert_array_equal(found[0], np.stack(columns, axis=-1))
    np.testing.assert_array_equal(found[1], index)
    above = storeys(t, least)
    everywhere = hierarchy.aggregate(above, hierarchy.presence(above, own, applies, imputed, level), scores)
    np.testing.assert_array_equal(everywhere[..., :-1], np.stack(columns, axis=-1))
    np.testing.assert_array_equal(everywhere[..., -1], index)


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=3, max_size=3), st.integers(-8, 8).map(lambda n: n / 4))
def test_a_mean_lies_between_the_least_and_the_greatest_score(scores, exponent):
    t = Tree(np.zeros(3, int), np.ones((1, 3)), np.ones((1, 1)), *np.full((2, 3), NAN), within=exponent)
    _, index = aggregate(t, everything(t, np.zeros(1, int)), np.array([scores]))
    least = min(scores) if exponent > 0 else max(1.0, min(scores))
    greatest = max(scores) if exponent > 0 else max(1.0, max(scores))
    assert least - 1e-6 <= index[0] <= greatest + 1e-6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"best": np.array([0.0, 0.0, NAN])}, "indicator 0: both goalposts are 0.0; they must differ"),
        ({"weight": np.array([[1.0, -1.0, 1.0]])}, "it must be \\(levels, dimensions\\)"),
        ({"dimension_weight": np.array([[1.0, -1.0], [1.0, 1.0]])}, "weights must be 0 or more"),
        ({"weight": np.ones((2, 2))}, "with 3 indicators"),
    ],
)
def test_a_tree_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tree(**changes)

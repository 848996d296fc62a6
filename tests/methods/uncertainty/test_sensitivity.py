"""Sobol indices against analytic ones, alternatives against the tree itself."""

from dataclasses import replace

import numpy as np
import pytest

from methods.index.tree import Tree, aggregate, standing
from methods.uncertainty.sensitivity import Choices, changes, dirichlet, index_under, leave_one_out, sobol, sobol_design


def ishigami(x, a=7.0, b=0.1):
    angle = np.pi * (2 * x - 1)
    return np.sin(angle[..., 0]) + a * np.sin(angle[..., 1]) ** 2 + b * angle[..., 2] ** 4 * np.sin(angle[..., 0])


def analytic_ishigami(a=7.0, b=0.1):
    """First and total indices from the variances of the ANOVA terms."""
    v1 = 0.5 * (1 + b * np.pi**4 / 5) ** 2
    v2 = a**2 / 8
    v13 = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    whole = v1 + v2 + v13
    return np.array([v1, v2, 0]) / whole, np.array([v1 + v13, v2, v13]) / whole


def test_the_reference_numbers_of_the_ishigami_function_are_its_analytic_ones():
    first, total = analytic_ishigami()
    np.testing.assert_allclose(first, [0.3139, 0.4424, 0], atol=5e-5)
    np.testing.assert_allclose(total, [0.5576, 0.4424, 0.2437], atol=5e-5)


def test_sobol_indices_of_the_ishigami_function_come_out_with_limits_that_hold_them():
    rng = np.random.default_rng(1)
    points = sobol_design(8192, 3, rng)
    found = sobol(ishigami(points), 300, 0.95, rng)
    first, total = analytic_ishigami()
    np.testing.assert_allclose(found.first, first, atol=0.01)
    np.testing.assert_allclose(found.total, total, atol=0.01)
    assert ((found.first_lower <= first) & (first <= found.first_upper)).all()
    assert ((found.total_lower <= total) & (total <= found.total_upper)).all()
    assert (found.first_upper - found.first_lower < 0.1).all()


def test_bootstrap_limits_hold_the_truth_with_random_points():
    rng = np.random.default_rng(2)
    first, total = analytic_ishigami()
    held = []
    for _ in range(60):
        a, b = rng.random((2, 400, 3))
        mixed = [np.where(np.arange(3) == i, b, a) for i in range(3)]
        found = sobol(ishigami(np.stack([a, b, *mixed])), 200, 0.95, rng)
        held.append((found.first_lower <= first) & (first <= found.first_upper))
        held.append((found.total_lower <= total) & (total <= found.total_upper))
    assert 0.88 <= np.mean(held) <= 0.99


def test_several_outputs_are_weighted_by_their_variances():
    rng = np.random.default_rng(3)
    points = sobol_design(4096, 2, rng)
    values = np.stack([3 * points[..., 0], points[..., 1]], axis=-1)  # variances 9 to 1
    found = sobol(values, 0, 0.95, rng)
    np.testing.assert_allclose(found.first, [0.9, 0.1], atol=0.005)
    np.testing.assert_allclose(found.total, [0.9, 0.1], atol=0.005)
    assert np.isnan(found.first_lower).all()


def test_an_output_that_never_changes_has_no_indices():
    found = sobol(np.full((4, 8, 3), 61.7), 10, 0.95, np.random.default_rng(0))
    assert np.isnan(found.first).all()
    assert np.isnan(found.total_upper).all()


def test_a_design_replaces_one_column_at_a_time_and_needs_a_power_of_two():
    design = sobol_design(64, 3, np.random.default_rng(0))
    a, b, mixed = design[0], design[1], design[2:]
    for i in range(3):
        np.testing.assert_array_equal(mixed[i], np.where(np.arange(3) == i, b, a))
    assert ((design >= 0) & (design < 1)).all()
    with pytest.raises(ValueError, match="100 points; a power of two is needed"):
        sobol_design(100, 3, np.random.default_rng(0))


def test_dirichlet_weights_have_the_given_means_and_the_spread_of_their_concentration():
    weight, node = np.array([1.0, 3.0, 5.0, 0.0, 5.0]), np.array([0, 0, 1, 1, 2])
    draws = dirichlet(weight, node, 60, 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(draws[:, :2].sum(axis=1), 1)
    np.testing.assert_allclose(draws.mean(axis=0), [0.25, 0.75, 1, 0, 1], atol=0.003)
    assert draws[:, 0].std() == pytest.approx(np.sqrt(0.25 * 0.75 / 61), rel=0.02)
    with pytest.raises(ValueError, match="concentration 0; it must be above 0"):
        dirichlet(weight, node, 0, 5, np.random.default_rng(1))


def small_choices():
    rng = np.random.default_rng(4)
    tree = Tree(
        np.array([0, 0, 1, 1]),
        np.array([[1.0, 2, 1, 1], [1, 0, 1, 3]]),
        np.array([[0.4, 0.6], [1.0, 1.0]]),
        *np.full((2, 4), np.nan),
        across=0.5,
    )
    level = np.array([0, 1, 0, 1, 0])
    own = rng.random((5, 4)) < 0.8
    own[4] = False
    has = standing(tree, level, np.ones((5, 4), bool), own, np.zeros((5, 4), bool), 0.3)
    scores = rng.uniform(0, 100, (2, 3, 5, 4))
    other = tree.weight[::-1] * (tree.weight > 0)
    choices = Choices(
        scores=scores,
        usable=has.weight > 0,
        scored=has.dimension_weight > 0,
        dimension=tree.dimension,
        level=level,
        weight=np.stack([tree.weight, other]),
        dimension_weight=np.stack([tree.dimension_weight, tree.dimension_weight[::-1]]),
        within=1.0,
        across=(0.5, 1.0, 0.0),
        floor=tree.floor,
    )
    return tree, has, choices, own


def test_the_first_recipe_is_the_tree_itself_and_others_are_trees_of_their_own():
    tree, has, choices, own = small_choices()
    recipes = np.array([[w, a, n, s] for w in range(2) for a in range(3) for n in range(2) for s in range(3)])
    assert choices.options == (2, 3, 2, 3)
    found = index_under(choices, recipes)
    for recipe, values in zip(recipes, found, strict=True):
        w, a, n, s = recipe
        other = Tree(
            tree.dimension,
            choices.weight[w],
            choices.dimension_weight[w],
            tree.worst,
            tree.best,
            across=choices.across[a],
        )
        stands = standing(other, choices.level, np.ones_like(own), choices.usable, np.zeros_like(own))
        np.testing.assert_allclose(values, aggregate(other, stands, choices.scores[n, s])[1], rtol=1e-12)
    np.testing.assert_allclose(found[0], aggregate(tree, has, choices.scores[0, 0])[1], rtol=1e-12)
    assert np.isnan(found[:, 4]).all()


def test_many_recipes_at_once_are_those_one_by_one():
    _, _, choices, _ = small_choices()
    recipes = np.random.default_rng(1).integers(0, [2, 3, 2, 3], (100, 4))
    recipes = np.tile(recipes, (6, 1))
    together = index_under(choices, recipes)
    np.testing.assert_array_equal(index_under(choices, recipes, threads=3), together)
    for recipe, values in zip(recipes, together, strict=True):
        np.testing.assert_array_equal(index_under(choices, recipe[None])[0], values)


def test_changes_are_summarised_over_units_that_have_an_index():
    main, other = np.array([50.0, 60, np.nan]), np.array([[59.0, 57, np.nan], [50, 60, np.nan]])
    group = np.array([0, 0, 0])
    found = changes(main, other, np.array([1, 0, -1]), np.array([[1, 1, -1], [1, 0, -1]]), group)
    assert found.mean.tolist() == [6, 0]
    assert found.largest.tolist() == [9, 0]
    assert found.kept.tolist() == [0.5, 1]
    assert found.mean_ranks.tolist() == [1, 0]
    assert found.largest_ranks.tolist() == [1, 0]
    without = changes(main, other, np.full(3, -1), np.full((2, 3), -1), np.full(3, -1))
    assert np.isnan(without.kept).all()
    assert np.isnan(without.mean_ranks).all()


def test_ranks_are_compared_within_groups_only():
    main = np.array([90.0, 80, 70, 10, 20])
    other = np.array([[70.0, 80, 90, 20, 10]])
    none = np.full(5, -1)
    found = changes(main, other, none, none[None], np.array([0, 0, 0, 1, -1]))
    assert found.mean_ranks.tolist() == [(2 + 0 + 2 + 0) / 4]
    assert found.largest_ranks.tolist() == [2]


def test_an_alternative_that_leaves_nothing_of_a_unit_is_told_over_the_others():
    main, other = np.array([50.0, 60, 70]), np.array([[np.nan, 61, 72], [np.nan] * 3])
    found = changes(main, other, np.full(3, -1), np.full((2, 3), -1), np.array([0, 0, 0]))
    assert found.mean[0] == 1.5
    assert found.largest[0] == 2
    assert np.isnan([found.mean[1], found.largest[1]]).all()


def test_leaving_an_indicator_or_a_dimension_out_is_the_tree_without_it():
    tree, has, choices, own = small_choices()
    inner, outer = leave_one_out(tree.weight, tree.dimension_weight)
    every = replace(choices, weight=inner, dimension_weight=outer)
    recipes = np.zeros((7, 4), np.int64)
    recipes[:, 0] = np.arange(7)
    found = index_under(every, recipes)
    np.testing.assert_allclose(found[0], aggregate(tree, has, choices.scores[0, 0])[1], rtol=1e-12)
    for k in range(6):
        usable, outside = choices.usable.copy(), tree.dimension_weight.copy()
        if k < 4:
            usable[:, k] = False
        else:
            outside[:, k - 4] = 0
        other = replace(tree, dimension_weight=outside)
        stands = standing(other, choices.level, np.ones_like(own), usable, np.zeros_like(own))
        np.testing.assert_allclose(found[1 + k], aggregate(other, stands, choices.scores[0, 0])[1], rtol=1e-12)


def test_a_recipe_with_an_unknown_option_is_refused():
    _, _, choices, _ = small_choices()
    with pytest.raises(ValueError, match="recipe 1: option 3 of choice 1; it must be 0 to 2"):
        index_under(choices, np.array([[0, 0, 0, 0], [0, 3, 0, 0]]))
    with pytest.raises(ValueError, match=r"recipes have shape \(4,\)"):
        index_under(choices, np.zeros(4, np.int64))


def test_values_that_are_no_numbers_have_no_sobol_indices():
    with pytest.raises(ValueError, match="values hold NaN"):
        sobol(np.full((3, 8), np.nan), 0, 0.95, np.random.default_rng(0))
    with pytest.raises(ValueError, match="values have shape"):
        sobol(np.zeros((2, 8)), 0, 0.95, np.random.default_rng(0))

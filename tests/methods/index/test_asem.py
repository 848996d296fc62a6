"""Every stage of COINr's ASEM index, each from the stage before, to 1e-8, and the whole way through."""

import numpy as np
import pytest

from methods.index.denominators import divide
from methods.index.hierarchy import aggregate, effective_weights, hierarchy, levels_of, presence
from methods.index.imputation import impute_by_group
from methods.index.normalisation import minmax, ranks
from methods.index.treatment import treat

EXACT = {"rtol": 1e-8, "atol": 1e-10}


@pytest.fixture(scope="module")
def tree(asem):
    return hierarchy(asem.nodes, asem.parents, asem.weight)


def scored(tree, scores):
    there = np.ones((scores.shape[-2], tree.indicators), bool)
    return aggregate(tree, presence(tree, there), scores)


def test_denominators_make_the_denominated_data_set(asem):
    np.testing.assert_allclose(divide(asem.idata, asem.denominators, asem.by), asem.denominated, **EXACT)
    assert np.isnan(asem.denominated).sum() == 65  # two more than came in: a denominator is missing


def test_means_of_europe_and_asia_make_the_imputed_data_set(asem):
    done = impute_by_group(asem.denominated, asem.region)
    np.testing.assert_allclose(done.values, asem.imputed, **EXACT)
    assert done.imputed.sum() == 65
    assert (done.variance[done.imputed] > 0).all()


def test_winsorising_makes_the_treated_data_set(asem):
    done = treat(asem.imputed)
    np.testing.assert_allclose(done.values, asem.treated, **EXACT)
    moved = dict(zip(asem.indicators, (done.high - done.low).tolist(), strict=True))
    changed = {name: number for name, number in moved.items() if number}
    assert changed == {
        "Flights": 1, "Bord": 3, "Gas": 3, "Services": 4, "FDI": 2, "ForPort": 3, "CostImpEx": 1, "Tariff": 3,
        "StMob": 2, "CultServ": 3, "Forest": 2, "Poverty": 3, "NGOs": 3, "FemLab": -1, "PubDebt": 1,
    }  # fmt: skip
    assert done.passed.all()
    assert not done.transformed.any()


def test_minmax_makes_the_normalised_data_set(asem):
    np.testing.assert_allclose(minmax(asem.treated, asem.direction), asem.normalised, **EXACT)


def test_arithmetic_means_over_four_levels_make_the_aggregated_data_set(asem, tree):
    assert levels_of(tree).max() == 4
    np.testing.assert_allclose(scored(tree, asem.normalised), asem.index, **EXACT)


def test_ranks_of_the_index_are_those_of_the_results(asem):
    assert ranks(asem.index[:, -1:], direction=-1)[:, 0].tolist() == asem.rank.tolist()


def test_the_whole_way_from_raw_data_comes_to_the_same_index(asem, tree):
    denominated = divide(asem.idata, asem.denominators, asem.by)
    normalised = minmax(treat(impute_by_group(denominated, asem.region).values).values, asem.direction)
    np.testing.assert_allclose(scored(tree, normalised), asem.index, **EXACT)


def test_effective_weights_make_the_index_from_the_indicators(asem, tree):
    weight = effective_weights(tree)[: tree.indicators]
    assert weight.sum() == pytest.approx(1.0, abs=1e-14)
    np.testing.assert_allclose((asem.normalised * weight).sum(axis=1), asem.index[:, -1], **EXACT)
    # by hand: LPI is one of 8 in Physical, one of 5 in Conn, one of 2 in the index
    assert weight[0] == pytest.approx(1 / 80, abs=1e-15)


def test_draws_with_noise_come_out_alone_as_they_do_together(asem, tree):
    rng = np.random.default_rng(1)
    noisy = asem.imputed * rng.normal(1, 0.05, (9, *asem.imputed.shape))
    noisy[0] = asem.imputed
    done = treat(noisy)
    together = scored(tree, minmax(done.values, asem.direction))
    np.testing.assert_allclose(together[0], asem.index, **EXACT)
    for r in range(9):
        alone = treat(noisy[r])
        np.testing.assert_array_equal(alone.values, done.values[r])
        np.testing.assert_array_equal(scored(tree, minmax(alone.values, asem.direction)), together[r])

"""Weights against published examples and R; correlations, alpha and importance against R; named data sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.index import weights
from methods.index.correlations import correlation, cronbach, cronbach_by_group, importance
from methods.index.hierarchy import aggregate, hierarchy, presence
from methods.index.imputation import impute_by_group
from methods.index.normalisation import minmax, z_scores
from methods.index.stages import Step, carry_out, with_step
from methods.index.treatment import told, treat
from methods.index.weights import (
    analytic_hierarchy,
    balanced,
    benefit_of_the_doubt,
    critic,
    entropy,
    equal,
    principal_components,
)

NAN = np.nan
# The examples of HOUSE, COMPANIES, AIRCRAFT and STORES are known from the books named but could not be laid beside them
# here. What counts is what R 4.2.2 makes of these very numbers, by a way of its own; the books' figures stand beside.
PEOPLE = ("StMob", "Research", "Pat", "CultServ", "CultGood", "Tourist", "MigStock", "Lang")  # ASEM's P2P

# Saaty, How to make a decision: the analytic hierarchy process, European Journal of Operational Research 48 (1990) 9,
# table 2, choosing a house: size, transport, neighbourhood, age, yard, facilities, condition, financing
HOUSE = np.array(
    [
        [1, 5, 3, 7, 6, 6, 1 / 3, 1 / 4],
        [1 / 5, 1, 1 / 3, 5, 3, 3, 1 / 5, 1 / 7],
        [1 / 3, 3, 1, 6, 3, 4, 6, 1 / 5],
        [1 / 7, 1 / 5, 1 / 6, 1, 1 / 3, 1 / 4, 1 / 7, 1 / 8],
        [1 / 6, 1 / 3, 1 / 3, 3, 1, 1 / 2, 1 / 5, 1 / 6],
        [1 / 6, 1 / 3, 1 / 4, 4, 2, 1, 1 / 5, 1 / 6],
        [3, 5, 1 / 6, 7, 5, 5, 1, 1 / 2],
        [4, 7, 5, 8, 6, 6, 2, 1],
    ]
)

# Diakoulaki, Mavrotas, Papayannakis, Computers & Operations Research 22 (1995) 763: eight pharmaceutical companies by
# profitability, market share and productivity
COMPANIES = np.array(
    [
        [61, 1.08, 4.33],
        [20.7, 0.26, 4.34],
        [16.3, 1.98, 2.53],
        [9, 3.29, 1.65],
        [5.4, 2.77, 2.33],
        [4, 4.12, 1.21],
        [-6.1, 3.52, 2.10],
        [-34.6, 3.31, 0.98],
    ]
)

# Hwang, Yoon, Multiple Attribute Decision Making (1981): four fighter aircraft
AIRCRAFT = np.array(
    [
        [2.0, 1500, 20000, 5.5, 5, 9],
        [2.5, 2700, 18000, 6.5, 3, 5],
        [1.8, 2000, 21000, 4.5, 7, 7],
        [2.2, 1800, 20000, 5.0, 5, 5],
    ]
)

# Cooper, Seiford, Tone, Data Envelopment Analysis (2007), table 1.4: seven stores, one input of 1, two outputs
STORES = np.array([[1, 5], [2, 7], [3, 4], [4, 3], [4, 6], [5, 5], [6, 2]], float)


@pytest.fixture
def people(asem):
    return asem.normalised[:, [asem.indicators.index(name) for name in PEOPLE]]


def test_the_analytic_hierarchy_process_chooses_saatys_house():
    # R: e <- eigen(HOUSE); w <- abs(Re(e$vectors[, 1])); w / sum(w); Re(e$values[1]). The book: .173 .054 .188 .018
    # .031 .036 .167 .333, 9.669 and a ratio of .169 = (9.669 - 8) / 7 / 1.41
    found = analytic_hierarchy(HOUSE)
    weight = [
        *(0.1730174746483, 0.0539757229990, 0.1881102988574, 0.0175079113082),
        *(0.0310437364039, 0.0363222021547, 0.1668336736263, 0.3331889800021),
    ]
    np.testing.assert_allclose(found.weight, weight, atol=1e-11)
    assert found.largest_eigenvalue == pytest.approx(9.66888731712, abs=1e-10)
    assert found.consistency_ratio == pytest.approx((9.66888731712 - 8) / 7 / 1.41, abs=1e-10)


@settings(deadline=None)
@given(st.lists(st.floats(1, 9), min_size=1, max_size=8))
def test_judgements_that_agree_give_back_the_weights_behind_them(importance):
    w = np.array(importance)
    found = analytic_hierarchy(w[:, None] / w)
    np.testing.assert_allclose(found.weight, w / w.sum(), rtol=1e-9)
    assert abs(found.consistency_ratio) < 1e-9


def test_critic_weighs_the_companies():
    # R: N <- apply(C, 2, function(x) (x - min(x)) / (max(x) - min(x)))
    #    k <- apply(N, 2, sd) * colSums(1 - cor(N)); k / sum(k)
    np.testing.assert_allclose(critic(COMPANIES), [0.202225539788, 0.480901729020, 0.316872731193], atol=1e-11)


def test_entropy_weighs_the_aircraft():
    # R: P <- sweep(X, 2, colSums(X), "/"); d <- 1 + colSums(P * log(P)) / log(4); d / sum(d). The book rounds entropies
    # to four digits and so has .0649 .2055 .0133 .0829 .3576 .2764
    weight = [0.0641897346015, 0.2060881642356, 0.0134445908744, 0.0813256286155, 0.3586800243448, 0.2762718573282]
    np.testing.assert_allclose(entropy(AIRCRAFT), weight, atol=1e-11)


def test_principal_components_are_those_of_r(people):
    # R 4.2.2: prcomp(x, scale. = TRUE) of ASEM's people-to-people indicators, normalised
    found = principal_components(people)
    np.testing.assert_allclose(
        found.variance,
        [
            *(3.958339223378, 1.033153260553, 0.898126390940, 0.822046354798),
            *(0.532202562053, 0.359070896177, 0.213213226639, 0.183848085462),
        ],
        rtol=1e-10,
    )
    rotation = np.array(
        [
            *(0.367852565149, 0.381057959288, 0.324413873948, 0.318078612577),
            *(0.279739209037, 0.377359835717, 0.351207610169, 0.411168700733),
        ]
    )
    np.testing.assert_allclose(found.weight, rotation / rotation.sum(), rtol=1e-10)
    squared = principal_components(people, "squared")
    two = (found.loading[:, :2] ** 2).sum(axis=1)
    np.testing.assert_allclose(squared.weight, two / two.sum())


def test_benefit_of_the_doubt_finds_the_efficient_stores():
    # by hand: B (2, 7), E (4, 6), F (5, 5) and G (6, 2) span the frontier. A's ray (1, 5) meets the line y = 7 left of
    # B, D's (4, 3) the line from F to G, 3 x + y = 20, C's (3, 4) that from E to F, x + y = 10: 5/7, 15/20 and 7/10
    found = benefit_of_the_doubt(STORES)
    np.testing.assert_allclose(found.score, [5 / 7, 1, 0.7, 0.75, 1, 1, 1])  # and R lpSolve 5.6.18 says the same
    np.testing.assert_allclose((found.weight * STORES).sum(axis=1), found.score)
    np.testing.assert_allclose(found.share.sum(axis=1), 1.0)


def test_benefit_of_the_doubt_is_that_of_r(people):
    # R lpSolve 5.6.18: lp("max", x[u, ], x, "<=", 1) for each unit; then with 0.05 score <= w_j x_j <= 0.4 score
    found = benefit_of_the_doubt(people)
    np.testing.assert_allclose(
        found.score[2:6], [0.94315132026561, 0.21142943435136, 0.50578523067505, 0.99112229352425]
    )
    assert found.score.sum() == pytest.approx(34.9748830292833)
    assert (found.score > 1 - 1e-9).sum() == 14
    filled = people[(people > 0).all(axis=1)]
    bounded = benefit_of_the_doubt(filled, 0.05, 0.4)
    np.testing.assert_allclose(bounded.score[:3], [0.398095678306, 0.976287218032, 0.792219770885])
    assert bounded.score.sum() == pytest.approx(23.2537161799985)
    assert (bounded.score > 1 - 1e-9).sum() == 4
    assert (bounded.share >= 0.05 - 1e-9).all()
    assert (bounded.share <= 0.4 + 1e-9).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_benefit_of_the_doubt_does_not_depend_on_units_of_measurement(seed):
    x = np.random.default_rng(seed).uniform(1, 9, (6, 3))
    found, other = benefit_of_the_doubt(x, 0.1), benefit_of_the_doubt(x * [0.01, 1, 1000], 0.1)
    np.testing.assert_allclose(found.score, other.score, atol=1e-8)
    assert (found.score >= x.min(axis=0).min() / x.max() - 1e-9).all()
    assert found.score.max() <= 1.0


def test_balanced_weights_make_items_equally_important(asem):
    aggregated = asem.index[:, [asem.groups.index(g) for g in ("Environ", "Social", "SusEcFin")]]
    for measure in ("correlation", "correlation_ratio"):
        found = balanced(aggregated, measure=measure)
        got = importance(aggregated, aggregated @ found.weight, measure)
        assert found.converged
        np.testing.assert_allclose(got / got.sum(), 1 / 3, atol=1e-6)
        assert found.weight.sum() == pytest.approx(1.0)
    even = importance(aggregated, aggregated @ equal(3), "correlation")
    assert np.ptp(even) > 0.05  # equal weights are not equal importance


def test_balanced_weights_meet_unequal_aims_and_say_when_they_cannot():
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, (200, 3)) + rng.normal(0, 0.7, (200, 1))
    found = balanced(x, [2, 1, 1])
    assert found.converged
    np.testing.assert_allclose(found.reached, [0.5, 0.25, 0.25], atol=1e-6)
    against = np.column_stack([x[:, 0], -x[:, 0] * 0.999, x[:, 1]])
    assert not balanced(against).converged


def test_alpha_is_that_of_r(people):
    # R psych 2.2.9: alpha(x) of ASEM's people-to-people indicators, normalised
    found = cronbach(people)
    assert found.alpha == pytest.approx(0.850168418553262, abs=1e-12)
    assert found.standardised == pytest.approx(0.851158831877051, abs=1e-12)
    assert found.mean_correlation == pytest.approx(0.416848895802752, abs=1e-12)
    np.testing.assert_allclose(
        found.without,
        [
            *(0.828983410436, 0.823519303734, 0.837604610692, 0.842628280560),
            *(0.849404355836, 0.826538561494, 0.832046572753, 0.814587000234),
        ],
        atol=1e-11,
    )


def test_alpha_of_every_group_of_a_tree(asem, people):
    h = hierarchy(asem.nodes, asem.parents)
    found = cronbach_by_group(h, np.column_stack([asem.normalised, asem.index]))
    assert list(found) == list(asem.groups)
    assert found["P2P"].alpha == pytest.approx(0.850168418553262, abs=1e-12)
    assert np.isnan(found["Index"].without).all()


def test_correlations_are_those_of_r(people):
    # R 4.2.2: cor(x$Lang, x$StMob, method = ...) of the same
    for kind, value in (("pearson", 0.650442425797), ("spearman", 0.713005704794), ("kendall", 0.511975227542)):
        assert correlation(people[:, [0, 7]], kind)[0, 1] == pytest.approx(value, abs=1e-11)


def test_correlations_are_over_the_units_that_have_both():
    x = np.array([[1.0, 2, 5], [2, 4, 5], [3, 5, 5], [4, NAN, 5], [NAN, 9, 5]])
    found = correlation(x)
    assert found[0, 1] == pytest.approx(np.corrcoef([1, 2, 3], [2, 4, 5])[0, 1])
    assert np.isnan(found[2]).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_weights_from_data_do_not_depend_on_the_order_of_units_or_items(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 9, (12, 4)) + rng.uniform(0, 9, (12, 1))
    rows, columns = rng.permutation(12), rng.permutation(4)
    for scheme in (critic, entropy, lambda v: principal_components(v, "squared").weight):
        w = scheme(x)
        assert w.sum() == pytest.approx(1.0)
        assert (w >= 0).all()
        np.testing.assert_allclose(scheme(x[rows][:, columns]), w[columns], atol=1e-10)
    np.testing.assert_allclose(critic(x * [1, 10, 0.1, 3] + 7), critic(x), atol=1e-10)
    np.testing.assert_allclose(entropy(x * [1, 10, 0.1, 3]), entropy(x), atol=1e-10)


FLAT = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
ODD = HOUSE.copy()
ODD[0, 1] = 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: weights.given([1, -1]), "0 or more an item, not all 0"),
        (lambda: weights.given([0, 0]), "not all 0"),
        (lambda: weights.given([1, NAN]), "finite number"),
        (lambda: weights.given([]), "one finite number"),
        (lambda: equal(0), "items is 0; it must be at least 1"),
        (lambda: analytic_hierarchy(HOUSE[:3]), r"it must be \(items, items\)"),
        (lambda: analytic_hierarchy(-HOUSE), "above 0"),
        (lambda: analytic_hierarchy(ODD), "items 0 and 1 are 2 and 0.2; one must be the reciprocal"),
        (lambda: entropy(-AIRCRAFT), "values of 0 or more"),
        (lambda: entropy(np.array([[0.0, 1.0], [0.0, 2.0]])), "item 0 is 0 throughout"),
        (lambda: entropy(np.ones((3, 2))), "nothing to weigh by"),
        (lambda: entropy(AIRCRAFT[:1]), "at least 2 are needed"),
        (lambda: critic(FLAT), "item 1 does not vary; leave it out"),
        (lambda: critic(FLAT[:, [0, 0]]), "no item varies apart from the others"),
        (lambda: critic(np.array([[1.0, NAN], [2.0, 3.0]])), "gaps or infinite"),
        (lambda: principal_components(FLAT), "item 1 does not vary"),
        (
            lambda: principal_components(np.column_stack([STORES, -STORES[:, 0], STORES[:, 0]])),
            "pulls against the others",
        ),
        (lambda: balanced(FLAT), "item 1 does not vary"),
        (lambda: balanced(STORES, [1, 0]), "wanted must be 2 numbers above 0"),
        (lambda: benefit_of_the_doubt(-STORES), "values of 0 or more"),
        (lambda: benefit_of_the_doubt(np.array([[0.0, 1.0], [0.0, 2.0]])), "item 0 is 0 throughout"),
        (lambda: benefit_of_the_doubt(STORES, 0.6), "leave shares that sum to 1"),
        (lambda: benefit_of_the_doubt(STORES, 0.0, 0.4), "leave shares that sum to 1"),
        (lambda: benefit_of_the_doubt(np.array([[0.0, 1.0], [1.0, 2.0]]), 0.1), "unit 0 has 0 in an item with a least"),
        (lambda: correlation(STORES[0]), r"it must be \(units, columns\)"),
        (lambda: correlation(STORES, "phi"), "kind is 'phi'"),
        (lambda: cronbach(STORES[:, :1]), "alpha needs two"),
        (lambda: cronbach(FLAT), "an item does not vary"),
        (lambda: cronbach(np.column_stack([STORES[:, 0], -STORES[:, 0]])), "the same sum"),
        (lambda: importance(STORES, STORES[:3, 0]), "index has shape"),
        (lambda: importance(STORES, STORES[:, 0], "weight"), "measure is 'weight'"),
        (lambda: cronbach_by_group(hierarchy(["a", "r"], ["r", None]), STORES[:, :1]), "one column a node"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_recipe_makes_named_data_sets_with_a_log_and_can_be_run_again_with_one_thing_changed(asem):
    h = hierarchy(asem.nodes, asem.parents)
    has = presence(h, np.ones(asem.imputed.shape, bool))
    steps = (
        Step("imputed", lambda x: impute_by_group(x, asem.region), "means of Europe and Asia"),
        Step("treated", treat, "winsorised", lambda done: told(done, asem.indicators)),
        Step("normalised", lambda x: minmax(x, asem.direction), "least to most, 0 to 100"),
        Step("aggregated", lambda x: aggregate(h, has, x), "arithmetic means"),
    )
    made = carry_out(steps, asem.denominated, "denominated")
    assert [one.name for one in made] == ["denominated", "imputed", "treated", "normalised", "aggregated"]
    np.testing.assert_allclose(made[-1].values, asem.index, rtol=1e-8)
    assert made[1].result.imputed.sum() == 65
    assert made[2].log[:3] == (
        "imputed: means of Europe and Asia", "treated: winsorised", "treated: Flights: 1 point moved down",
    )  # fmt: skip
    assert made[-1].log[-1] == "aggregated: arithmetic means"
    other = carry_out(
        with_step(steps, "normalised", lambda x: z_scores(x, asem.direction), "z-scores"), asem.denominated
    )
    np.testing.assert_array_equal(other[2].values, made[2].values)
    np.testing.assert_allclose(other[3].values.std(axis=0, ddof=1), 1.0)
    assert "normalised: z-scores" in other[-1].log


def test_recipes_say_which_step_refused():
    steps = (Step("normalised", minmax),)
    with pytest.raises(ValueError, match="normalised: values: indicator 1 does not vary"):
        carry_out(steps, FLAT)
    with pytest.raises(ValueError, match="'raw' stands twice"):
        carry_out((Step("raw", minmax),), FLAT)
    with pytest.raises(ValueError, match="'treated' is no step; steps are normalised"):
        with_step(steps, "treated", treat)

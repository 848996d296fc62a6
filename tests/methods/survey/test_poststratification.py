"""Calibration and linearised variances against R's survey 4.1.1 (R 4.2.2) on its api data."""

from __future__ import annotations

import numpy as np
import pytest

from methods.survey.poststratification import Margin, Rows, calibrate, means

# population of schools by type: E 4421, H 755, M 1018
BY_TYPE = {"E": 4421.0, "H": 755.0, "M": 1018.0}
# apiclus1 summed by district and type: district, type, n, and sum and sum of squares of api00 and of enroll
CLUSTERS = """
61 E 10 7203 5206467 3884 1551582|135 E 34 22508 15230414 15038 7038092|178 E 2 1001 501181 937 520997
197 E 10 6714 4602432 4121 1786201|255 E 13 9185 6674643 6475 3406829|406 E 2 1116 622746 683 233929
413 E 1 551 303601 274 75076|437 E 2 963 464105 732 354440|448 E 9 6858 5255620 3794 1638146
510 E 16 10593 7124593 7535 3703877|568 E 4 2859 2055575 842 199106|637 E 8 5418 3696668 2551 920901
716 E 30 16808 9577432 14466 8000432|778 E 1 494 244036 308 94864|815 E 2 1166 680500 691 303181
178 H 1 529 279841 388 150544|437 H 1 443 196249 418 174724|448 H 1 703 494209 2147 4609609
510 H 2 1256 790946 3440 5953250|568 H 4 2848 2028670 1105 357653|637 H 1 608 369664 1689 2852721
716 H 3 1577 834497 6195 12832461|815 H 1 696 484416 442 195364|61 M 3 2169 1570203 2893 2795029
178 M 1 547 299209 343 117649|197 M 3 1879 1182789 2837 2683801|255 M 3 2184 1616498 2550 2197268
437 M 1 482 232324 286 81796|448 M 2 1550 1204778 1434 1029060|510 M 3 1912 1219496 3993 5478579
568 M 1 679 461041 233 54289|637 M 2 1333 888457 1841 1697021|716 M 4 2009 1011513 5153 6644621
778 M 1 411 168921 372 138384|815 M 1 631 398161 508 258064
"""
# apistrat summed by type and awards, in the same way
STRATA = """
E No 27 17815 12244851 10381 4420297|H No 34 20699 12903201 45265 78725571|M No 26 15577 9658737 23810 26651142
E Yes 73 49628 34793786 31297 15680371|H Yes 16 10592 7264740 20770 30553510|M Yes 24 16253 11281659 17814 15659062
"""
# apisrs summed by type and awards, api00 only
SIMPLE = """
E No 41 26310 17483576|H No 16 9604 6019344|M No 19 11259 6897207|E Yes 101 68282 48125712|H Yes 9 5530 3451134
M Yes 14 10332 7762602
"""


def _table(text: str) -> list[list[str]]:
    return [row.split() for row in text.replace("\n", "|").split("|") if row.strip()]


def _rows(
    n: np.ndarray, sums: np.ndarray, squares: np.ndarray, weight: np.ndarray, cell: np.ndarray, **given: np.ndarray
) -> Rows:
    zero = np.zeros(len(n), np.int64)
    none = np.full(len(n), -1)
    items = np.repeat(n[:, None], sums.shape[1], axis=1)
    index = {"domain": zero, "stratum": zero, "psu": none} | given
    return Rows(cell=cell, weight=weight, n=n, item_n=items, item_sum=sums, item_sumsq=squares, **index)


def _margin(kinds: np.ndarray, population: dict[str, float]) -> Margin:
    names = sorted(population)
    cell = np.array([names.index(kind) for kind in kinds])
    return Margin(cell, np.zeros(len(names), np.int64), np.array([population[name] for name in names]))


def _clusters(fraction: float | None) -> tuple[float, float, float, float]:
    table = _table(CLUSTERS)
    n, *moments = (np.array([float(row[k]) for row in table]) for k in range(2, 7))
    sums, squares = np.column_stack([moments[0], moments[2]]), np.column_stack([moments[1], moments[3]])
    psu = np.unique([row[0] for row in table], return_inverse=True)[1]
    weight = np.full(len(table), 33.846996307373)
    group = np.zeros(len(table), np.int64)
    margin = _margin(np.array([row[1] for row in table]), BY_TYPE)
    factor, cells = calibrate(weight, n, group, [margin], least=1, limits=(0.0, 10.0))
    fractions = None if fraction is None else np.array([fraction])
    found = means(_rows(n, sums, squares, weight * factor, cells[0], psu=psu), 1, fractions)
    error = np.sqrt(found.variance[0])
    return found.estimate[0, 0], error[0], found.estimate[0, 1], error[1]


def test_poststratified_clusters_give_the_numbers_of_survey() -> None:
    # svymean(~enroll+api00, postStratify(svydesign(~dnum, weights = ~pw, data = apiclus1), ~stype, pop))
    api, api_error, enroll, enroll_error = _clusters(None)
    assert (api, api_error) == pytest.approx((642.310788212, 24.1610605815), rel=1e-9)
    assert (enroll, enroll_error) == pytest.approx((594.267508092, 66.2542492624), rel=1e-9)


def test_a_finite_population_narrows_as_in_survey() -> None:
    # the same with fpc = ~fpc (757 districts); the total of 6194 schools: 3680892.945 (406292.6363)
    _, api_error, enroll, enroll_error = _clusters(15 / 757)
    assert api_error == pytest.approx(23.9204864451, rel=1e-9)
    assert (6194 * enroll, 6194 * enroll_error) == pytest.approx((3680892.94512, 406292.636295), rel=1e-9)


def _strata(fraction: bool, poststratified: bool) -> tuple[np.ndarray, np.ndarray]:
    table = _table(STRATA)
    kinds = np.array([row[0] for row in table])
    n, *moments = (np.array([float(row[k]) for row in table]) for k in range(2, 7))
    sums, squares = np.column_stack([moments[0], moments[2]]), np.column_stack([moments[1], moments[3]])
    stratum = np.unique(kinds, return_inverse=True)[1]
    weight = np.array([{"E": 44.2099990844727, "H": 15.1000003814697, "M": 20.3600006103516}[kind] for kind in kinds])
    cell, factor = np.full(len(n), -1), np.ones(len(n))
    if poststratified:
        margin = _margin(np.array([row[1] for row in table]), {"No": 2027.0, "Yes": 4167.0})
        factor, cells = calibrate(weight, n, np.zeros(len(n), np.int64), [margin])
        cell = cells[0]
    fractions = np.array([100 / 4421, 50 / 755, 50 / 1018]) if fraction else None
    found = means(_rows(n, sums, squares, weight * factor, cell, stratum=stratum), 1, fractions)
    return found.estimate[0], np.sqrt(found.variance[0])


@pytest.mark.parametrize(
    ("fraction", "errors"), [(False, (9.53613229693, 18.94076311975)), (True, (9.40894080278, 18.50851095858))]
)
def test_stratified_means_give_the_numbers_of_survey(fraction: bool, errors: tuple[float, float]) -> None:
    # svymean(~api00+enroll, svydesign(~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc or none))
    estimate, error = _strata(fraction, False)
    assert estimate == pytest.approx((662.287363159, 595.282137136), rel=1e-9)
    assert error == pytest.approx(errors, rel=1e-9)


def test_poststrata_across_design_strata_come_near_survey() -> None:
    # the same design after postStratify(~awards): 663.798325820 (9.5420203576), 588.280250073 (19.7236891984).
    # survey centres residuals over unweighted respondents of a poststratum, we over weighted ones (methods.md)
    estimate, error = _strata(False, True)
    assert estimate == pytest.approx((663.798325820, 588.280250073), rel=1e-9)
    assert error == pytest.approx((9.5420203576, 19.7236891984), rel=1e-3)


def test_domains_of_a_calibrated_sample_give_the_numbers_of_survey() -> None:
    # svyby(~api00, ~awards, postStratify(svydesign(~1, weights = ~pw, data = apisrs), ~stype, pop), svymean)
    table = _table(SIMPLE)
    n, sums, squares = (np.array([float(row[k]) for row in table]) for k in (2, 3, 4))
    weight = np.full(len(n), 30.97)
    margin = _margin(np.array([row[0] for row in table]), BY_TYPE)
    factor, cells = calibrate(weight, n, np.zeros(len(n), np.int64), [margin])
    domain = np.array([0 if row[1] == "No" else 1 for row in table])
    # one stratum over both domains: the second domain is estimated with its respondents as the only ones scored
    for k, (mean, error) in enumerate([(620.892581439, 13.8420818833), (678.659037113, 12.0264909072)]):
        mine = (domain == k).astype(float)
        rows = _rows(n, (sums * mine)[:, None], (squares * mine)[:, None], weight * factor, cells[0])
        rows = Rows(
            rows.domain,
            rows.stratum,
            rows.psu,
            rows.cell,
            rows.weight,
            rows.n,
            (n * mine)[:, None],
            rows.item_sum,
            rows.item_sumsq,
        )
        found = means(rows, 1)
        assert found.estimate[0, 0] == pytest.approx(mean, rel=1e-9)
        assert np.sqrt(found.variance[0, 0]) == pytest.approx(error, rel=1e-9)


def test_domains_of_their_own_strata_share_the_calibration_of_their_group() -> None:
    # two units of one area, each a sample of its own: the variance of a mean, by replicating the whole procedure
    rng = np.random.default_rng(2)
    share, size = np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([120, 80])
    level = np.array([[40.0, 70.0], [50.0, 60.0]])
    results = []
    for _ in range(1500):
        counts = np.array([rng.multinomial(size[u], share[u]) for u in range(2)])
        values = [rng.normal(level[u, c], 10, counts[u, c]) for u in range(2) for c in range(2)]
        n = counts.ravel().astype(float)
        sums, squares = np.array([v.sum() for v in values]), np.array([(v**2).sum() for v in values])
        domain, kind = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        margin = Margin(kind, np.zeros(2, np.int64), np.array([900.0, 1100.0]))
        factor, cells = calibrate(np.ones(4), n, np.zeros(4, np.int64), [margin])
        rows = _rows(n, sums[:, None], squares[:, None], factor, cells[0], domain=domain, stratum=domain)
        found = means(rows, 2)
        results.append([*found.estimate[:, 0], *found.variance[:, 0]])
    results = np.array(results)
    assert results[:, 2:].mean(axis=0) == pytest.approx(results[:, :2].var(axis=0), rel=0.1)


def test_shares_after_calibration_are_those_of_the_population() -> None:
    n, weight = np.array([30.0, 50, 40, 25]), np.array([1.0, 2, 1, 3])
    margin = Margin(np.arange(4), np.zeros(4, np.int64), np.array([300.0, 400, 200, 100]))
    factor, _ = calibrate(weight, n, np.zeros(4, np.int64), [margin])
    total = weight * factor * n
    assert total / total.sum() == pytest.approx([0.3, 0.4, 0.2, 0.1])


def test_two_margins_are_raked_until_both_hold() -> None:
    n = np.array([30.0, 50, 40, 25])
    group = np.zeros(4, np.int64)
    first = Margin(np.array([0, 0, 1, 1]), np.zeros(2, np.int64), np.array([600.0, 400]))
    second = Margin(np.array([0, 1, 0, 1]), np.zeros(2, np.int64), np.array([450.0, 550]))
    factor, _ = calibrate(np.ones(4), n, group, [first, second])
    total = factor * n / np.sum(factor * n)
    assert total[:2].sum() == pytest.approx(0.6, abs=1e-6)
    assert total[[0, 2]].sum() == pytest.approx(0.45, abs=1e-6)


def test_small_cells_are_collapsed_and_factors_bounded() -> None:
    n = np.array([100.0, 10, 15, 5])
    margin = Margin(np.arange(4), np.zeros(4, np.int64), np.array([100.0, 100, 100, 4000]))
    factor, cells = calibrate(np.ones(4), n, np.zeros(4, np.int64), [margin])
    assert len(set(cells[0][1:].tolist())) == 1
    assert cells[0][0] != cells[0][1]
    assert factor[1] == factor[3] == 3.0
    assert factor[0] == 0.3


def test_skipped_answers_keep_the_factor_of_their_group() -> None:
    n = np.array([40.0, 60, 30])
    margin = Margin(np.array([0, 1, -1]), np.zeros(2, np.int64), np.array([500.0, 500]))
    factor, cells = calibrate(np.ones(3), n, np.zeros(3, np.int64), [margin])
    assert factor[2] == 1.0
    assert cells[0][2] == -1
    # known answers together weigh what they did: 40 x 1.25 + 60 x .8333 = 100
    assert np.sum(factor[:2] * n[:2]) == pytest.approx(100.0)


def test_a_group_of_too_few_respondents_is_left_as_it_is() -> None:
    n = np.array([8.0, 9])
    margin = Margin(np.arange(2), np.zeros(2, np.int64), np.array([900.0, 100]))
    factor, cells = calibrate(np.ones(2), n, np.zeros(2, np.int64), [margin])
    assert factor.tolist() == [1.0, 1.0]
    assert cells[0].tolist() == [-1, -1]


def test_unequal_weights_cost_respondents() -> None:
    rows = _rows(
        np.array([10.0, 10]), np.array([[5.0], [5.0]]), np.array([[5.0], [5.0]]), np.array([1.0, 3]), np.full(2, -1)
    )
    # Kish: (10 + 30)^2 / (10 + 90)
    assert means(rows, 1).effective[0, 0] == pytest.approx(16.0)


def test_a_domain_without_scores_has_no_mean() -> None:
    rows = _rows(np.array([10.0]), np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1), np.full(1, -1))
    found = means(
        Rows(
            rows.domain,
            rows.stratum,
            rows.psu,
            rows.cell,
            rows.weight,
            rows.n,
            np.zeros((1, 1)),
            rows.item_sum,
            rows.item_sumsq,
        ),
        2,
    )
    assert np.isnan(found.estimate).all()
    assert found.effective.tolist() == [[0.0], [0.0]]

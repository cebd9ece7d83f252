"""Drift scores from profiles against scipy on the same rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial import distance
from scipy.stats import chi2_contingency, cramervonmises_2samp, entropy, ks_2samp, ttest_ind, wasserstein_distance

from airflow_mlmon.drift.methods import measure_column, score
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from tests.support.profiles import category_schema, make_spec, profile_numbers, profile_values

ROWS = 200_000
SPEC = make_spec(x={"type": "float"})
SPEC_INTEGER = make_spec(x={"type": "integer"})


def cents_with_an_atom(random, moved):
    amounts = np.round(random.lognormal(3 + moved, 1, ROWS), 2)
    return np.where(random.random(ROWS) < 0.3, 0.0, amounts)


SAMPLES = {
    "normal": lambda random, moved: random.normal(moved, 1, ROWS),
    "lognormal": lambda random, moved: random.lognormal(moved, 1, ROWS),
    "t2": lambda random, moved: random.standard_t(2, ROWS) + moved,
    "cents-with-an-atom": cents_with_an_atom,
    "mean-million": lambda random, moved: random.normal(1e6 + moved, 1, ROWS),
}


@pytest.fixture(scope="module", params=SAMPLES)
def sides(request):
    """Rows and profiles of a reference and of a partition that moved by a tenth of a deviation."""
    draw = SAMPLES[request.param]
    reference, current = draw(np.random.default_rng(1), 0.0), draw(np.random.default_rng(2), 0.1)
    schema = pin_schema(SPEC, pa.table({"x": reference}))
    profiles = [profile_table(pa.table({"x": rows}), schema).columns["x"] for rows in (reference, current)]
    assert not profiles[0].distribution.is_exact
    return reference, current, *profiles


def shares_on_ten_bins(reference, current):
    """Ten equal-mass bins of the reference; tied quantiles are one edge, left of the tie and right of it."""
    edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10, method="inverted_cdf"))
    return [np.bincount(np.searchsorted(edges, rows), minlength=len(edges) + 1) / ROWS for rows in (reference, current)]


# The grid's cells are 2**-7 of a value wide; the measured error on a million rows is 1e-4 at most.
def test_ks_on_the_grid_is_within_2e4_of_scipy(sides):
    reference, current, first, second = sides

    assert score("ks", first, second) == pytest.approx(ks_2samp(reference, current).statistic, abs=2e-4)


def test_wasserstein_on_the_grid_is_within_1e3_of_scipy(sides):
    reference, current, first, second = sides

    expected = wasserstein_distance(reference, current) / reference.std()
    assert score("wasserstein", first, second) == pytest.approx(expected, abs=1e-3)


def test_psi_on_the_grid_is_within_2e4_of_equal_mass_bins(sides):
    reference, current, first, second = sides

    p, q = shares_on_ten_bins(reference, current)
    assert score("psi", first, second) == pytest.approx(float(np.sum((q - p) * np.log(q / p))), abs=2e-4)


def test_jensenshannon_on_the_grid_is_within_2e4_of_scipy(sides):
    reference, current, first, second = sides

    expected = distance.jensenshannon(*shares_on_ten_bins(reference, current))
    assert score("jensenshannon", first, second) == pytest.approx(expected, abs=2e-4)


def test_scores_of_exactly_counted_values_are_scipys():
    random = np.random.default_rng(3)
    reference, current = random.integers(0, 501, 5000) / 4, random.integers(20, 501, 900) / 4
    first, second = profile_numbers(reference), profile_numbers(current)

    assert score("ks", first, second) == pytest.approx(ks_2samp(reference, current).statistic, abs=1e-12)
    expected = wasserstein_distance(reference, current) / reference.std()
    assert score("wasserstein", first, second) == pytest.approx(expected, rel=1e-12)


def test_level_moved_by_a_hundred_deviations_is_measured():
    random = np.random.default_rng(4)
    reference, current = random.normal(0, 1, ROWS), random.normal(100, 1, ROWS)
    schema = pin_schema(SPEC, pa.table({"x": reference}))
    first, second = (profile_table(pa.table({"x": rows}), schema).columns["x"] for rows in (reference, current))

    assert score("ks", first, second) == 1.0
    expected = wasserstein_distance(reference, current) / reference.std()
    assert score("wasserstein", first, second) == pytest.approx(expected, rel=1e-3)


def test_integers_are_measured_exactly():
    random = np.random.default_rng(5)
    reference, current = random.integers(0, 501, ROWS), random.integers(0, 480, ROWS)
    schema = pin_schema(SPEC_INTEGER, pa.table({"x": reference}))
    first, second = (profile_table(pa.table({"x": rows}), schema).columns["x"] for rows in (reference, current))

    assert first.mean == reference.mean()
    assert first.std == pytest.approx(reference.std(), rel=1e-14)
    assert score("ks", first, second) == pytest.approx(ks_2samp(reference, current).statistic, abs=1e-12)


def counted_on_ten_bins(reference, current):
    return [np.rint(shares * ROWS) for shares in shares_on_ten_bins(reference, current)]


@pytest.mark.parametrize(("method", "lambda_"), [("chisquare", "pearson"), ("g_test", "log-likelihood")])
def test_tests_of_counts_on_the_grid_are_within_2_percent_of_scipy(sides, method, lambda_):
    reference, current, first, second = sides

    expected = chi2_contingency(counted_on_ten_bins(reference, current), correction=False, lambda_=lambda_)
    found = measure_column(method, first, second)
    assert found.value == pytest.approx(expected.statistic, rel=0.02)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-6)


def test_hellinger_kl_div_and_tvd_on_the_grid_are_within_2e4(sides):
    reference, current, first, second = sides

    p, q = shares_on_ten_bins(reference, current)
    assert score("hellinger", first, second) == pytest.approx(np.sqrt(1 - np.sum(np.sqrt(p * q))), abs=2e-4)
    assert score("kl_div", first, second) == pytest.approx(entropy(p, q), abs=2e-4)
    assert score("TVD", first, second) == pytest.approx(np.abs(p - q).sum() / 2, abs=2e-4)


def test_t_test_is_scipys_to_nine_digits(sides):
    reference, current, first, second = sides

    expected = ttest_ind(reference, current)
    found = measure_column("t_test", first, second)
    assert found.value == pytest.approx(abs(expected.statistic), rel=1e-6)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-4)


# where values repeat, scipy's mid-ranks are another statistic
@pytest.mark.parametrize("sides", [name for name in SAMPLES if name != "cents-with-an-atom"], indirect=True)
def test_cramer_von_mises_on_the_grid_is_within_half_a_percent_of_scipy(sides):
    reference, current, first, second = sides

    expected = cramervonmises_2samp(reference, current, method="asymptotic")
    assert measure_column("cramer_von_mises", first, second).value == pytest.approx(expected.statistic, rel=5e-3)


@pytest.mark.parametrize(("rows", "other"), [(50, 50), (400, 300), (900, 90)])
@pytest.mark.parametrize("moved", [0.0, 0.1, 0.3])
def test_p_values_of_exactly_counted_values_are_scipys(rows, other, moved):
    random = np.random.default_rng(rows)
    reference, current = random.normal(size=rows), random.normal(moved, 1, other)
    first, second = profile_numbers(reference), profile_numbers(current)

    # the limit law of KS with Stephens' correction against the exact one
    tolerance = 0.02 if min(rows, other) >= 300 else 0.05
    assert measure_column("ks", first, second).p_value == pytest.approx(
        ks_2samp(reference, current).pvalue, abs=tolerance
    )
    expected = cramervonmises_2samp(reference, current, method="asymptotic")
    found = measure_column("cramer_von_mises", first, second)
    assert found.value == pytest.approx(expected.statistic, rel=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-7)
    assert measure_column("t_test", first, second).p_value == pytest.approx(
        ttest_ind(reference, current).pvalue, rel=1e-5
    )


@pytest.mark.parametrize(("method", "lambda_"), [("chisquare", "pearson"), ("g_test", "log-likelihood")])
def test_tests_of_a_category_are_scipys(method, lambda_):
    random = np.random.default_rng(8)
    names = ["a", "b", "c"]
    reference, current = random.choice(names, 3000, p=[0.6, 0.3, 0.1]), random.choice(names, 700, p=[0.55, 0.3, 0.15])
    first, second = (profile_values(rows.tolist(), category_schema(*names)) for rows in (reference, current))

    table = [[np.sum(rows == name) for name in names] for rows in (reference, current)]
    expected = chi2_contingency(table, correction=False, lambda_=lambda_)
    found = measure_column(method, first, second)
    assert found.value == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)

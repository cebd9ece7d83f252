"""How far the scores of profiles lie from those of the rows, on a million rows a side.

The rows' own scores use the same formulas, on every distinct value instead of on cells. The ten bins
of PSI and Jensen-Shannon have their edges on cells for both.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from airflow_mlmon.drift.methods import score
from airflow_mlmon.profiles.columns.cumulated import estimate_counts
from airflow_mlmon.profiles.columns.grid import to_cells
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.statistics.distances import jensenshannon, psi
from tests.benchmarks.profiles.schemas import pin_table

ROWS = 1_000_000
_BINS = 10


def samples() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, reference and current of each distribution."""
    random = np.random.default_rng(365)
    normal = random.normal
    yield "normal", normal(0, 1, ROWS), normal(0.1, 1.1, ROWS)
    yield "lognormal", random.lognormal(0, 1, ROWS), random.lognormal(0.1, 1.05, ROWS)
    yield "t(2)", random.standard_t(2, ROWS), random.standard_t(2, ROWS) + 0.1
    yield "integers 0 to 500", random.integers(0, 501, ROWS) * 1.0, np.floor(random.beta(1, 1.2, ROWS) * 501)
    yield "cents with an atom", _cents(random, 20), _cents(random, 21)
    yield "mean 1e6, sd 1", normal(1e6, 1, ROWS), normal(1e6 + 0.1, 1, ROWS)
    moved = np.where(random.random(ROWS) < 0.5, 0.0, 100.0)
    yield "level moved by 100 sd", normal(0, 1, ROWS), normal(0, 1, ROWS) + moved


def measure() -> dict[str, float]:
    """The worst absolute error of each score over the samples."""
    worst = dict.fromkeys(("error_ks", "error_psi", "error_js", "error_wasserstein", "error_evidently_bins"), 0.0)
    for _, reference, current in samples():
        for key, error in _errors(reference, current).items():
            worst[key] = max(worst[key], error)
    return worst


def _errors(reference: np.ndarray, current: np.ndarray) -> dict[str, float]:
    tables = [pa.table({"x": values}) for values in (reference, current)]
    schema = pin_table(tables[0])
    first, second = (profile_table(table, schema).columns["x"] for table in tables)
    keys, ours, theirs = _count(reference, current)
    deviations = keys - schema.columns[0].centre
    cells = to_cells(deviations) if not first.distribution.is_exact else np.arange(len(keys))
    binned = _bin(cells, ours, theirs)
    return {
        "error_ks": abs(score(Method.KS, first, second) - _exact_ks(ours, theirs)),
        "error_psi": abs(score(Method.PSI, first, second) - psi(*binned)),
        "error_js": abs(score(Method.JENSENSHANNON, first, second) - jensenshannon(*binned)),
        "error_wasserstein": abs(
            score(Method.WASSERSTEIN, first, second) - _exact_wasserstein(keys, ours, theirs) / reference.std()
        ),
        "error_evidently_bins": _evidently_error(reference, current, first, second),
    }


def _count(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    keys, places = np.unique(np.concatenate((reference, current)), return_inverse=True)
    counts = [np.bincount(side, minlength=len(keys)) for side in np.split(places, 2)]
    return keys, counts[0], counts[1]


def _bin(cells: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ten bins of equal mass of the first, by the cuts between cells that lie nearest to tenths."""
    starts = np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))
    first, second = np.add.reduceat(first, starts), np.add.reduceat(second, starts)
    occurring = np.flatnonzero(first)
    cumulated = np.concatenate(([0], np.cumsum(first[occurring])))
    cuts = {int(np.abs(cumulated - ROWS * tenth / _BINS).argmin()) for tenth in range(1, _BINS)}
    # A cut of n comes after the n-th cell that occurs.
    edges = [0, *sorted(int(occurring[cut - 1]) + 1 for cut in cuts if 0 < cut < len(occurring))]
    return np.add.reduceat(first, edges), np.add.reduceat(second, edges)


def _exact_ks(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(np.cumsum(first) - np.cumsum(second)).max() / ROWS)


def _exact_wasserstein(keys: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    between = np.abs(np.cumsum(first) - np.cumsum(second))[:-1] / ROWS
    return float((between * np.diff(keys)).sum())


def _evidently_error(
    reference: np.ndarray, current: np.ndarray, first: NumericProfile, second: NumericProfile
) -> float:
    """The larger error of PSI and JS on Sturges' bins of both samples, which min, max and rows give exactly."""
    both = np.concatenate((reference, current))
    edges = np.histogram_bin_edges(both, "sturges")
    exact = [np.histogram(side, edges)[0] for side in (reference, current)]
    found = [estimate_counts(side, edges) for side in (first, second)]
    return max(abs(psi(*found) - psi(*exact)), abs(jensenshannon(*found) - jensenshannon(*exact)))


def _cents(random: np.random.Generator, mean: float) -> np.ndarray:
    amounts = np.round(random.gamma(2, mean / 2, ROWS), 2)
    return np.where(random.random(ROWS) < 0.3, 0.0, amounts)

"""Drift scores of a column from two profiles, under evidently's names.

All of them compare finite values; nulls, NaN and infinities have their own metrics. p is the reference, q the current
partition; swapping them may change the score. Exact if both profiles have exact counts, otherwise on the grid's cells
(see `profiles.grid`). `drift.distances` and `drift.significance` give each method's formula, bins, smoothing, range
and source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from airflow_mlmon.drift.bins import Sides
from airflow_mlmon.errors import ConfigError, suggest_name
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.spec.methods import PROFILED, Method
from airflow_mlmon.statistics import distances, two_sample
from airflow_mlmon.statistics.arrays import Counts
from airflow_mlmon.statistics.two_sample import Moments, Score

_Measure = Callable[[Sides], Score | None]

_NEEDS_ORDER = frozenset(
    {
        Method.WASSERSTEIN,
        Method.KS,
        Method.CRAMER_VON_MISES,
        Method.T_TEST,
        Method.ANDERSON,
        Method.ENERGY_DISTANCE,
        Method.EPPS_SINGLETON,
        Method.MANN_WHITNEY,
        Method.EMPIRICAL_MMD,
    }
)
_NEEDS_CATEGORIES = frozenset({Method.Z, Method.FISHER_EXACT, Method.TEXT_CONTENT, Method.TEXT_CONTENT_PERCENTILE})


def measure_column(method: str, reference: ColumnProfile, current: ColumnProfile) -> Score | None:
    """Compute a method for a column; None if a side has no values or the method does not suit its kind.

    Identifiers have no score by any method; of vectors the norms are compared.

    Raises:
        ConfigError: the method is unknown, or only evidently can compute it, from rows.
    """
    return measure_all((method,), reference, current)[0]


def measure_all(methods: Iterable[str], reference: ColumnProfile, current: ColumnProfile) -> list[Score | None]:
    """Compute several methods for a column, as `measure_column` does, with their shared work done once.

    Raises:
        ConfigError: as in `measure_column`.
    """
    measures = [_measure_of(method) for method in methods]
    if isinstance(reference, IdentifierProfile) or not reference.observed or not current.observed:
        return [None for _ in measures]
    if isinstance(reference, VectorProfile) and isinstance(current, VectorProfile):
        reference, current = reference.norm, current.norm
    sides = Sides(reference, current)
    return [found(sides) for found in measures]


def score(method: str, reference: ColumnProfile, current: ColumnProfile) -> float | None:
    """Return the effect size alone, for days of different sizes; None as in `measure_column`.

    Raises:
        ConfigError: as in `measure_column`.
    """
    found = measure_column(method, reference, current)
    return None if found is None else found.effect


def parse_method(name: str) -> Method:
    """Return the method with a name.

    Raises:
        ConfigError: the method is unknown.
    """
    try:
        return Method(name)
    except ValueError:
        raise ConfigError(f"Unknown drift method {name!r}.", hint=suggest_name(name, Method)) from None


def method_for(kind: Kind, method: str) -> Method:
    """Return the method for a kind of column if `method` is requested.

    Categories and identifiers have no order: instead of a method that needs one they use Jensen-Shannon, which is
    evidently's default; numbers and vectors use the t test of means instead of a method for categories or texts.

    Raises:
        ConfigError: the method is unknown.
    """
    chosen = parse_method(method)
    if not kind.is_numeric and chosen in _NEEDS_ORDER:
        return Method.JENSENSHANNON
    if kind.is_numeric and chosen in _NEEDS_CATEGORIES:
        return Method.T_TEST
    return chosen


def method_of(column: ColumnSchema, method: str, methods: Mapping[str, str]) -> Method:
    """Return the method of a column: `method`, or its own among `methods`; PSI of a derived one that needs rows.

    Raises:
        ConfigError: the method is unknown.
    """
    chosen = method_for(column.kind, methods.get(column.name, method))
    # samples have no derived columns
    return Method.PSI if column.derived and chosen.is_sampled else chosen


def sampled_methods(
    columns: Iterable[ColumnSchema], method: str, methods: Mapping[str, str]
) -> dict[str, tuple[Method, Kind]]:
    """Return the method and the kind of each column whose method needs rows, without identifiers and vectors.

    Identifiers are not compared, and samples contain no vectors.

    Raises:
        ConfigError: the method is unknown.
    """
    chosen = {
        column.name: (method_of(column, method, methods), column.kind)
        for column in columns
        if column.kind not in {Kind.IDENTIFIER, Kind.VECTOR}
    }
    return {name: pair for name, pair in chosen.items() if pair[0].is_sampled}


def text_methods(
    columns: Iterable[ColumnSchema], method: str, methods: Mapping[str, str]
) -> dict[str, tuple[Method, Kind]]:
    """Return the method and the kind of each column whose texts are compared.

    Raises:
        ConfigError: the method is unknown.
    """
    return {name: pair for name, pair in sampled_methods(columns, method, methods).items() if pair[0].is_of_text}


def _measure_of(method: str) -> _Measure:
    chosen = parse_method(method)
    if chosen not in _MEASURES:
        raise ConfigError(
            f"The drift method {chosen.value!r} needs rows and cannot be computed from profiles.",
            hint=f"use one of {', '.join(PROFILED)}",
        )
    return _MEASURES[chosen]


def _distance(of: Callable[[Counts, Counts], float]) -> _Measure:
    def measured(sides: Sides) -> Score:
        value = of(*sides.binned)
        return Score(value=value, p_value=None, effect=value)

    return measured


def _counted(of: Callable[[Counts, Counts], Score]) -> _Measure:
    def measured(sides: Sides) -> Score:
        return of(*sides.pooled)

    return measured


def _ordered(of: Callable[[Counts, Counts], Score]) -> _Measure:
    def measured(sides: Sides) -> Score | None:
        return None if sides.aligned is None else of(*sides.aligned[1:])

    return measured


def _wasserstein(sides: Sides) -> Score | None:
    if sides.aligned is None or not isinstance(sides.reference, NumericProfile):
        return None
    value = distances.wasserstein(*sides.aligned, std=sides.reference.std or 0.0)
    return Score(value=value, p_value=None, effect=value)


def _t_test(sides: Sides) -> Score | None:
    reference, current = sides.reference, sides.current
    if not isinstance(reference, NumericProfile) or not isinstance(current, NumericProfile):
        return None
    moments = (Moments(rows=side.observed, total=side.total, squares=side.squares) for side in (reference, current))
    return two_sample.t_test(*moments)


def _z(sides: Sides) -> Score | None:
    reference, current = sides.reference, sides.current
    if not isinstance(reference, CategoryProfile) or not isinstance(current, CategoryProfile):
        return None
    names = [name for name in sorted(reference.schema.vocabulary) if reference.count_of(name) + current.count_of(name)]
    if not names:
        return None
    first = names[0]
    return two_sample.z(reference.count_of(first), reference.observed, current.count_of(first), current.observed)


_MEASURES: Mapping[Method, _Measure] = {
    Method.PSI: _distance(distances.psi),
    Method.JENSENSHANNON: _distance(distances.jensenshannon),
    Method.HELLINGER: _distance(distances.hellinger),
    Method.KL_DIV: _distance(distances.kl_div),
    Method.TVD: _distance(distances.tvd),
    Method.WASSERSTEIN: _wasserstein,
    Method.KS: _ordered(two_sample.ks),
    Method.CRAMER_VON_MISES: _ordered(two_sample.cramer_von_mises),
    Method.T_TEST: _t_test,
    Method.CHISQUARE: _counted(two_sample.chisquare),
    Method.G_TEST: _counted(two_sample.g_test),
    Method.Z: _z,
}

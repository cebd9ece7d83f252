"""Evidence for the evaluation of a day, from its metrics and profiles and from the stored history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

from airflow_mlmon.drift.methods import text_methods
from airflow_mlmon.drift.versions import days_alike
from airflow_mlmon.evaluation.compared import ComparedDay
from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.evidence import Comparisons
from airflow_mlmon.evaluation.history import ColumnDays, base_rates, base_shares, ongoing
from airflow_mlmon.evaluation.incidents import Incident
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.partition import Partition, dates_before
from airflow_mlmon.pipeline.baselines.choose import choose_baselines
from airflow_mlmon.pipeline.baselines.versions import counts_in, version_counts
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.deciding.acceptance import begin_anew, withhold_new_levels
from airflow_mlmon.pipeline.deciding.column_baselines import column_baselines
from airflow_mlmon.pipeline.deciding.grouping import find_incidents
from airflow_mlmon.pipeline.deciding.hours import measure_row_hours, past_hours, row_hours
from airflow_mlmon.pipeline.deciding.label_looks import may_get_more, share_of_labels
from airflow_mlmon.pipeline.deciding.recent import Points, points_by_subject, recent_points
from airflow_mlmon.pipeline.deciding.unknown import without_unknown
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.compared_days import PastDay, past_days
from airflow_mlmon.pipeline.workspace.outcomes import stored_outcomes
from airflow_mlmon.pipeline.workspace.reference import (
    StoredReference,
    pinned_reference,
    reference_outcomes,
)
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.keys import column_key
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue, SubjectKey, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metrics import (
    DRIFT,
    EXPLAINED_SHARE,
    LABEL_COVERAGE,
    NEW_CATEGORY_RATE,
    OUT_OF_RANGE_RATE,
    ROWS,
    ROWS_BY_HOUR,
    UNSAMPLED_ROWS,
)
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.correction import compute_look_rate
from airflow_mlmon.tasks.registry import METRICS, is_evaluated, task_of

_NEVER_SEEN = frozenset({NEW_CATEGORY_RATE, OUT_OF_RANGE_RATE})
_EVALUATED = tuple(name for name, metric in METRICS.items() if metric.measure)
# maximum look-back, in lengths of the history
_FARTHEST = 3
# outputs and performance are compared with the initial window, at most a year back
_LASTING = tuple(name for name, metric in METRICS.items() if metric.measure and metric.of_model)
_YEAR = timedelta(days=365)
# what an evaluation asks of past days beside the metrics themselves
_OF_ALL_ROWS = (ROWS, UNSAMPLED_ROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionEvaluation:
    """Verdicts of a day, their incidents, what was measured against past days, and the days that they rest on.

    `compared` are the comparisons of the day with the reference; None if nothing is compared with it.
    """

    verdicts: tuple[Verdict, ...] = ()
    incidents: tuple[Incident, ...] = ()
    measured: tuple[MetricValue, ...] = ()
    rests_on: frozenset[date] = frozenset()
    compared: ComparedDay | None = None


@dataclass(frozen=True, kw_only=True)
class PartitionEvaluator:
    """Evaluator of days of a model against its history; data shared by several days is read once.

    Days of an ongoing incident are no history of the metric in breach, so that the expected value does not follow them;
    once accepted, they are, and the days before them are none. `breached` replaces the store as the source of days in
    breach.
    """

    run: Run
    breached: Mapping[SubjectKey, Collection[date]] | None = None
    comparisons: Comparisons = field(default_factory=Comparisons)
    profiles: dict[date, PastDay] = field(default_factory=dict)

    def evaluate(
        self,
        partition: Partition,
        metrics: Sequence[MetricValue],
        profile: Profile | None = None,
        *,
        policy: EvaluationPolicy | None = None,
    ) -> PartitionEvaluation:
        """Return the verdict on each metric without a rule in the spec, and the incidents of the breaches.

        Args:
            partition: the day.
            metrics: its metrics.
            profile: the profile of its rows; None for the metrics of labels. If a model has labels, rows and labels
                have half of the rate each.
            policy: the evaluation policy; by default that of the spec.
        """
        policy = policy or self.run.spec.alerts.evaluation
        if not policy.rate:
            return PartitionEvaluation()
        rate = policy.rate / 2 if self.run.spec.labels else policy.rate
        reference = pinned_reference(self.run, partition.day) if profile else None
        evaluated = unruled(self.run.spec, [value for value in metrics if value.metric != ROWS_BY_HOUR])
        if profile is None:
            # the drift of labels, which have no profile, is scored but not evaluated; their positive rate is
            young = {LABEL_COVERAGE} if may_get_more(self.run, partition) else set()
            evaluated = [value for value in evaluated if value.metric not in {DRIFT, *young}]
            # a day is evaluated at each delivery of its labels
            rate = compute_look_rate(rate, share_of_labels(metrics))
        evidence = self._evidence(partition, evaluated, policy, reference, profile)
        measured = (measure_row_hours(evidence.hours, partition),) if evidence.hours else ()
        evidence = replace(evidence, metrics=[*evidence.metrics, *unruled(self.run.spec, measured)])
        verdicts = evaluate_day(evidence, policy.model_copy(update={"rate": rate}))
        breaches = [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH]
        rows = (reference, profile) if reference and profile else None
        incidents = find_incidents(self.run, partition.day, breaches, evidence.columns, rows)
        return PartitionEvaluation(
            verdicts=tuple(verdicts),
            incidents=incidents,
            measured=measured,
            rests_on=evidence.days,
            compared=self._compare(*rows) if rows else None,
        )

    def _compare(self, reference: StoredReference, profile: Profile) -> ComparedDay | None:
        if not self.comparisons.are_with(reference.profile.columns.values()):
            return None
        return ComparedDay.of(profile, reference.profile, is_part=False, comparisons=self.comparisons)

    def _evidence(
        self,
        partition: Partition,
        metrics: Sequence[MetricValue],
        policy: EvaluationPolicy,
        reference: StoredReference | None,
        profile: Profile | None,
    ) -> PartitionEvidence:
        day, spec = partition.day, self.run.spec
        breaches, begun = self._breached(day)
        breached = {key: ongoing(days, day, spec.alerts.clear) for key, days in breaches.items()}
        over = {key: set(days) - breached[key] for key, days in breaches.items()}
        reach = self._reach(breached)
        for key, since in begun.items():
            breached[key] = breached.get(key, set()) | {past for past in dates_before(day, reach) if past < since}
        served = version_counts(self.run, day - max(timedelta(days=reach), _YEAR), day)
        own_counts = served.pop(day, {})
        now = counts_in(spec, metrics) or own_counts
        alike = days_alike(served, now)
        unlike = {past for past in set(served) - alike if past >= partition.shift(-reach).day}
        is_changing = bool(unlike) or len(now) > 1
        texts = _texts(spec, reference) if reference else frozenset()
        names: Sequence[str] = (*_EVALUATED, *spec.own_metrics, *([DRIFT] if texts else ()))
        if reference is None:
            # those of all columns are many, and labels are of none
            names = sorted({*_OF_ALL_ROWS, *(value.metric for value in metrics)}.intersection(names))
        found = points_by_subject(self.run.store.past(self.run.model, names, day, reach))
        evidence = PartitionEvidence(
            day=day,
            metrics=metrics,
            past=self._past(found, unlike, breached),
            recent=recent_points(found, day, unlike),
            first=self._first(day, metrics, served, alike, breaches),
            outliers=over,
            versions=frozenset(column_key(str(spec.version_column), version) for version in now)
            if is_changing
            else frozenset(),
            texts=texts,
        )
        if reference is None or profile is None:
            evidence = replace(evidence, scales=self._scales_of_labels(partition))
            return replace(evidence, metrics=withhold_new_levels(evidence, begun))
        drifted = _of_columns(breached)
        # outputs of other versions are no history of these versions
        for name in spec.outputs:
            drifted[name, None] = unlike | drifted.get((name, None), set())
        chosen = choose_baselines(self.run, reference, Span(days=(day,)))
        are_compared = any(one.whole is reference.profile for one in chosen)
        stored = self._stored(day, reference, reach, are_compared=are_compared)
        history = ColumnDays(
            day=day,
            now=profile,
            past=[(one.day, one.profile) for one in stored if one.profile is not None],
            baselines=column_baselines(spec, chosen, profile, stored, reference.schema),
            excluded=drifted,
            outliers=_of_columns(over),
            length=spec.history.days,
            season=policy.season,
            fewest=policy.minimum_rows,
            comparisons=self.comparisons,
            compared={one.day: one.compared for one in stored},
            reference=reference.profile,
        )
        evidence = replace(
            evidence,
            past=_of_other_days(evidence.past, stored) if reference.novelty is None else evidence.past,
            columns=history.columns(),
            hours=row_hours(
                self.run, partition, profile, past_hours(stored), policy.season, breached=breached, over=over
            ),
            base=base_shares(history.baselines, reference.profile, reference.novelty or {})
            | base_rates(reference.rows.rates),
            closed=reference.closed,
            scales=_scales(spec, history),
            parts=history.parts,
        )
        evidence = without_unknown(evidence, reference)
        return replace(evidence, metrics=withhold_new_levels(evidence, begun))

    def _scales_of_labels(self, partition: Partition) -> Mapping[str, float]:
        """Return the units of the means of labels: standard deviations of the reference, or else of the day."""
        state, reference = self.run.store.state(partition), pinned_reference(self.run, partition.day)
        if reference is not None and (of_reference := self._scales_of(reference)):
            return of_reference
        if reference is None or state is None or state.version is None:
            return {}
        found = stored_outcomes(self.run, partition, state.version, reference.outcomes)
        return task_of(self.run.spec).scales(found.whole) if found else {}

    def _scales_of(self, reference: StoredReference) -> Mapping[str, float]:
        if reference.folder not in self._known_scales:
            found = reference_outcomes(self.run, reference)
            self._known_scales[reference.folder] = task_of(self.run.spec).scales(found.whole) if found else {}
        return self._known_scales[reference.folder]

    @cached_property
    def _known_scales(self) -> dict[str, Mapping[str, float]]:
        """Return the units by the folder of the reference."""
        return {}

    def _breached(self, day: date) -> tuple[Mapping[SubjectKey, Collection[date]], Mapping[SubjectKey, date]]:
        """Return the earlier days of each metric's breaches that were not accepted, and when accepted ones began."""
        store = self.run.store
        first = day - max(timedelta(days=_FARTHEST * self.run.spec.history.days), _YEAR)
        found = self.breached
        if found is None:
            found = self.run.ask(store.breached_days, first, day - timedelta(days=1))
        accepted = self.run.ask(store.accepted_until, day)
        breached = {
            key: {past for past in days if first <= past and past > accepted.get(key, date.min)}
            for key, days in found.items()
        }
        return breached, begin_anew(found, accepted, self.run.spec.alerts.clear)

    def _past(
        self, found: Points, unlike: Collection[date], breached: Mapping[SubjectKey, Collection[date]]
    ) -> dict[SubjectKey, list[tuple[date, Point]]]:
        # a missing day is no history of the number of rows
        empty = {before for before, point in found.get((ROWS, None, None), ()) if not point.value}
        past = {}
        for key, points in found.items():
            left_out = empty.union(breached.get(key, ()), unlike if key[2] is None and self._is_of_model(key) else ())
            if kept := [one for one in points if one[0] not in left_out] if left_out else points:
                past[key] = kept[-self.run.spec.history.days :]
        return past

    def _is_of_model(self, key: SubjectKey) -> bool:
        """Return whether a metric changes with the model version: so does what explains its outputs."""
        return METRICS[key[0]].of_model or (key[0] == EXPLAINED_SHARE and key[1] in self._outputs)

    @cached_property
    def _outputs(self) -> frozenset[str]:
        return frozenset(self.run.spec.outputs)

    def _first(
        self,
        day: date,
        metrics: Sequence[MetricValue],
        served: Collection[date],
        alike: Collection[date],
        breached: Mapping[SubjectKey, Collection[date]],
    ) -> dict[SubjectKey, list[tuple[date, Point]]]:
        """Return the outputs and performance of the initial window, at most a year back and since the last acceptance.

        Only those of metrics that the day has: each is a query, of no more days than may be in breach or unlike.

        They are before the trailing days, of the same versions, not in breach, and as many as a history should be.
        """
        store, history = self.run.store, self.run.spec.history
        last = day - timedelta(days=history.days + 1)
        begin = max(day - _YEAR, min(alike, default=last)) if served else day - _YEAR
        accepted = self.run.ask(store.accepted_until, day)
        unlike = set(served).difference(alike)
        asked, unfit = {}, {}
        for name in dict.fromkeys(value.metric for value in metrics if value.metric in self._lasting):
            key = name, None, None
            since = max(begin, accepted.get(key, date.min) + timedelta(days=1))
            unfit[name] = {past for past in unlike.union(breached.get(key, ())) if since <= past <= last}
            asked[name] = since, min(history.days + len(unfit[name]), _FARTHEST * history.days)
        found: dict[SubjectKey, list[tuple[date, Point]]] = {}
        for name, values in store.earliest(self.run.model, asked, last).items():
            points = [(at, Point(value=value, rows=rows)) for at, _, value, rows in values if at not in unfit[name]]
            if len(points) >= history.minimum:
                found[name, None, None] = points[: history.days]
        return found

    @cached_property
    def _lasting(self) -> frozenset[str]:
        return frozenset({*_LASTING, *self.run.spec.own_metrics})

    def _reach(self, breached: Mapping[SubjectKey, Collection[date]]) -> int:
        """Return the number of days to look back, so that the history is complete despite a long incident."""
        days = self.run.spec.history.days
        return min(days + max(map(len, breached.values()), default=0), _FARTHEST * days)

    def _stored(self, day: date, reference: StoredReference, reach: int, *, are_compared: bool) -> list[PastDay]:
        days = dates_before(day, reach)
        missing = [past for past in days if past not in self.profiles]
        read = past_days(self.run, reference, missing, are_compared=are_compared)
        self.profiles.update({found.day: found for found in read})
        return [self.profiles[past] for past in days]


def _of_other_days(
    past: Mapping[SubjectKey, Sequence[tuple[date, Point]]], stored: Sequence[PastDay]
) -> dict[SubjectKey, Sequence[tuple[date, Point]]]:
    """Leave out the days whose own values and range are the known ones: nothing of them was new."""
    own = {one.day for one in stored if one.is_reference}
    return {
        key: [(day, point) for day, point in points if key[0] not in _NEVER_SEEN or day not in own]
        for key, points in past.items()
    }


def unruled(spec: ModelSpec, metrics: Sequence[MetricValue]) -> list[MetricValue]:
    """Return the metrics that are evaluated without a rule in the spec."""
    ruled = {(rule.metric, rule.column) for rule in spec.alerts.rules}
    return [
        value
        for value in metrics
        if is_evaluated(spec, value.metric)
        and (value.metric, None) not in ruled
        and (value.metric, value.column) not in ruled
    ]


def _of_columns(breached: Mapping[SubjectKey, Collection[date]]) -> dict[tuple[str, str | None], set[date]]:
    """Return the days on which the drift of each column, or of a column in a segment, was in breach."""
    return {
        (column, segment): set(days)
        for (metric, column, segment), days in breached.items()
        if metric == DRIFT and column
    }


def _texts(spec: ModelSpec, reference: StoredReference) -> frozenset[str]:
    """Return the text columns that are compared by samples of rows."""
    return frozenset(text_methods(reference.schema.columns, spec.drift.method, spec.drift.methods))


def _scales(spec: ModelSpec, days: ColumnDays) -> dict[str, float]:
    """Return the standard deviation of the baseline, or else of the partition, as the unit of a mean."""
    found = {}
    for metric, known in task_of(spec).metrics.items():
        name = spec.column_of(known.role) if known.role else None
        if name is None:
            continue
        whole = days.baselines[name][0] if name in days.baselines else days.now
        column = whole.columns.get(name)
        deviation = column.std if isinstance(column, NumericProfile) else None
        if deviation:
            found[metric] = deviation
    return found

"""Content of the page of a column: its distribution from stored profiles, and what the store knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

from markupsafe import Markup

from airflow_mlmon.drift.attributions import MAGNITUDE, SHARE
from airflow_mlmon.errors import NotFoundError, suggest_name
from airflow_mlmon.partition import date_range
from airflow_mlmon.pipeline.baselines.choose import baseline_profiles
from airflow_mlmon.pipeline.baselines.versions import marks_until
from airflow_mlmon.pipeline.pages.card import rule_text
from airflow_mlmon.pipeline.pages.trends import column_charts, shown_marks
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import StoredReference, pinned_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import DayProfile, stored_profiles
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile, sum_columns
from airflow_mlmon.profiles.columns.histogram import build_histogram, share_bars
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.keys import segment_key
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.quality.wording import number_text
from airflow_mlmon.records import MetricValue, PartitionState, Verdict
from airflow_mlmon.reports.charts import before_after
from airflow_mlmon.reports.feature import ColumnSegment, ColumnSide, FeaturePage
from airflow_mlmon.reports.model import SHOWN_DAYS
from airflow_mlmon.reports.page import Fact
from airflow_mlmon.reports.slug import slug_of
from airflow_mlmon.reports.spread import DaySpread, draw_spread
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metrics import DRIFT, UNSEEN
from airflow_mlmon.tasks.registry import METRICS

DRAWN_DAYS = 28
_QUANTILES = (0.05, 0.5, 0.95)
_UNPROFILED = frozenset({Role.ID, Role.TIME, Role.VERSION, Role.TRACE, Role.IGNORED, Role.ATTRIBUTION})
_MOST_SEGMENTS = 60


def featured_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the columns that may have a page: features, outputs and what is derived; none that is personal."""
    declared = (name for name, column in spec.columns.items() if column.role not in _UNPROFILED and not column.personal)
    derived = (
        name for name, source in spec.derived.items() if source not in spec.columns or not spec.columns[source].personal
    )
    return tuple(dict.fromkeys((*declared, *derived)))


def column_of_slug(run: Run, slug: str) -> str:
    """Return the column whose page has a slug in its name.

    Raises:
        NotFoundError: there is none, or it is personal.
    """
    found = {slug_of(name): name for name in featured_columns(run.spec)}
    if slug not in found:
        raise NotFoundError(f"No column of {run.model} has a page of the name {slug!r}.")
    return found[slug]


def feature_page(run: Run, column: str) -> FeaturePage:
    """Collect the content of the page of a column.

    Raises:
        NotFoundError: the model has no such column, or it is personal.
    """
    return feature_pages(run, [column])[0]


def feature_pages(run: Run, columns: Sequence[str]) -> list[FeaturePage]:
    """Collect the content of the pages of some columns; what they share is read once.

    Raises:
        NotFoundError: the model has no such column, or it is personal.
    """
    known = featured_columns(run.spec)
    for column in columns:
        if column not in known:
            raise NotFoundError(
                f"Model {run.model!r} has no page of a column {column!r}.", hint=suggest_name(column, known)
            )
    last = run.store.last_evaluated_day(run.model)
    state = run.store.state(run.partition(last)) if last else None
    if state is None:
        return [FeaturePage(model=run.model, column=column, facts=tuple(_facts(run, column))) for column in columns]
    shared = _LastDay(run=run, state=state)
    return [_page(shared, column) for column in columns]


@dataclass(frozen=True, kw_only=True)
class _LastDay:
    """Last evaluated day with what the pages of its columns have in common."""

    run: Run
    state: PartitionState

    @property
    def day(self) -> date:
        return self.state.partition.day

    @cached_property
    def metrics(self) -> list[MetricValue]:
        return self.run.store.metric_values(self.state.partition)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        return self.run.store.verdicts(self.state.partition)

    @cached_property
    def reference(self) -> StoredReference | None:
        found = pinned_reference(self.run, self.day)
        return found if found is not None and found.schema.id == self.state.schema else None

    @cached_property
    def profiles(self) -> list[DayProfile]:
        days = date_range(self.day - timedelta(days=DRAWN_DAYS - 1), self.day)
        return stored_profiles(self.run, self.reference, days) if self.reference else []

    @cached_property
    def titles(self) -> dict[str, str]:
        facts = self.run.store.compared_with(self.state.partition)
        return {column: entry.title for entry in facts for column in entry.columns}

    @cached_property
    def baselines(self) -> Mapping[str, Profile]:
        facts = self.run.store.compared_with(self.state.partition)
        return baseline_profiles(self.run, self.reference, facts) if self.reference else {}

    @cached_property
    def marks(self) -> dict[date, str]:
        return marks_until(self.run, self.day)


def _page(shared: _LastDay, column: str) -> FeaturePage:
    run = shared.run
    own = {value.metric: value for value in shared.metrics if value.column == column and value.segment is None}
    verdicts = [one for one in shared.verdicts if one.column == column and one.segment is None]
    drawn = _draw(shared, column)
    return FeaturePage(
        model=run.model,
        column=column,
        facts=tuple(_facts(run, column)),
        state=shared.state,
        lack=drawn.lack,
        picture=drawn.picture,
        spread=drawn.spread,
        days=len(shared.profiles),
        baseline=shared.titles.get(column, ""),
        sides=drawn.sides,
        score=own.get(DRIFT),
        verdict=next((one for one in verdicts if one.metric == DRIFT), None),
        verdicts=tuple(one for one in verdicts if one.metric in METRICS),
        unseen=tuple(own[name] for name in UNSEEN if name in own and own[name].value),
        trends=column_charts(run, shared.day, column, shared.marks, days=SHOWN_DAYS),
        marks=shown_marks(run, shared.day, shared.marks),
        weight=tuple(_weight(shared, column, own)),
        alerts=tuple(alert for alert in run.store.tracked_alerts(run.model) if alert.column == column),
        segments=_segments(shared, column),
        labels=run.spec.labels,
    )


def _facts(run: Run, column: str) -> Iterator[Fact]:
    declared, source = run.spec.columns.get(column), run.spec.derived.get(column)
    if declared is not None:
        yield Fact(name="Role", value=declared.role.value)
        yield Fact(name="Type", value=declared.type.value)
        yield Fact(name="Nulls", value="quarantined" if declared.required else "allowed")
    if source is not None:
        yield Fact(name="Derived from", value=source)
    rules = [rule for rule in run.spec.alerts.rules if rule.column == column]
    if rules:
        yield Fact(name="Rules", value="; ".join(rule_text(rule, run.spec) for rule in rules))
    if column in run.spec.baselines:
        yield Fact(name="Baseline of its own", value=run.spec.baselines[column].title())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    lack: str = ""
    picture: Markup | None = None
    spread: Markup | None = None
    sides: tuple[ColumnSide, ...] = ()


def _draw(shared: _LastDay, column: str) -> _Drawn:
    if shared.reference is None:
        return _Drawn(lack="The profile of the day is not of the pinned profile schema: run mlmon reprofile.")
    held = [found for found in shared.profiles if found.profile is not None and column in found.profile.columns]
    now = next((found.profile.columns[column] for found in held if found.profile and found.day == shared.day), None)
    before = shared.baselines[column].columns.get(column) if column in shared.baselines else None
    if now is None:
        return _Drawn(lack="No profile of the day is stored.")
    past = [found.profile.columns[column] for found in held if found.profile]
    total = sum_columns(past)
    sides = (
        _side(f"{shared.day}", now),
        *([_side(shared.titles.get(column, "baseline"), before)] if before is not None else ()),
        _side(f"{len(past)} of the last {DRAWN_DAYS} days", total),
    )
    if before is None:
        return _Drawn(lack="The days of its baseline are not stored any more.", sides=sides)
    # of both, so that values on which neither the baseline nor the day has many are told apart too
    over = build_histogram(sum_columns([before, total]), total)
    over = replace(over, reference=share_bars(over, before))
    beside = replace(over, current=share_bars(over, now))
    days = [
        DaySpread(
            day=found.day,
            shares=share_bars(over, found.profile.columns[column])
            if found.profile and column in found.profile.columns and found.profile.columns[column].observed
            else None,
        )
        for found in shared.profiles
    ]
    return _Drawn(
        picture=before_after(beside, column) if beside.labels else None,
        spread=draw_spread(over, days, f"{column} by day") if over.labels and len(days) > 1 else None,
        sides=sides,
    )


def _side(title: str, column: ColumnProfile) -> ColumnSide:
    norm = column.norm if isinstance(column, VectorProfile) else column
    is_number = isinstance(norm, NumericProfile)
    quantiles = [norm.quantile(share) for share in _QUANTILES] if isinstance(norm, NumericProfile) else []
    return ColumnSide(
        title=title,
        rows=column.rows,
        null_rate=column.missing / column.rows if column.rows else None,
        mean=norm.mean if isinstance(norm, NumericProfile) else None,
        quantiles=tuple(value for value in quantiles if value is not None) if is_number else (),
        new_rate=column.new_rows / column.observed if isinstance(column, CategoryProfile) and column.observed else None,
    )


def _weight(shared: _LastDay, column: str, own: Mapping[str, MetricValue]) -> Iterator[str]:
    """Say what is known of the weight of a column on the score."""
    magnitude, share = own.get(MAGNITUDE), own.get(SHARE)
    if magnitude is not None and magnitude.value is not None:
        others = [value for value in shared.metrics if value.metric == MAGNITUDE and value.segment is None]
        rank = 1 + sum((value.value or 0.0) > magnitude.value for value in others)
        part = f", {share.value:.1%} of those of all features" if share and share.value is not None else ""
        yield (
            f"Mean absolute attribution {number_text(float(f'{magnitude.value:.3g}'))}{part}: number {rank} of "
            f"{len(others)}."
        )
        return
    together = next((value.multivariate for value in shared.metrics if value.multivariate), None)
    ranked = [name for name, _ in together.strongest] if together else []
    if together is not None and column in ranked:
        loss = dict(together.strongest)[column]
        yield (
            f"Number {ranked.index(column) + 1} of the columns by which a classifier tells this day from the "
            f"reference: without it its ROC AUC is {loss:.3f} less."
        )
    yield "No attributions of the score are archived: its weight on the score is not known."


def _segments(shared: _LastDay, column: str) -> tuple[ColumnSegment, ...]:
    """Return the column in each segment of the last day, those with the largest drift first."""
    profile = next((found.profile for found in shared.profiles if found.day == shared.day), None)
    if profile is None or shared.reference is None:
        return ()
    verdicts = {one.segment: one for one in shared.verdicts if one.key[:2] == (DRIFT, column) and one.segment}
    columns = shared.run.spec.columns
    found = [
        ColumnSegment(
            name=(key := segment_key(name, value)),
            rows=part.rows,
            null_rate=own.missing / own.rows if own.rows else None,
            verdict=verdicts.get(key),
        )
        for name, segment in profile.segments.items()
        if not any(one in columns and columns[one].personal for one in segment.schema.columns)
        for value, part in (*segment.parts.items(), (None, segment.rest))
        if (own := part.columns.get(column)) is not None and part.rows
    ]
    ranked = sorted(found, key=lambda one: (-abs((one.verdict and one.verdict.effect) or 0.0), -one.rows, one.name))
    return tuple(ranked[:_MOST_SEGMENTS])

"""Content of a day's page, from the store and the workspace."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.choose import baseline_profiles
from airflow_mlmon.pipeline.baselines.versions import marks_until
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.pages.capture import captured_of
from airflow_mlmon.pipeline.pages.feature import featured_columns
from airflow_mlmon.pipeline.pages.hours import draw_hours
from airflow_mlmon.pipeline.pages.requests import attributions_of, requests_of
from airflow_mlmon.pipeline.pages.trends import shown_marks, shown_states, trend_charts
from airflow_mlmon.pipeline.pages.versions import versions_of
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.telemetry import find_links
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of, stored_outcomes
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, delivery_uri, profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, pinned_reference, reference_outcomes
from airflow_mlmon.pipeline.workspace.stored_profiles import read_profile
from airflow_mlmon.profiles.columns.histogram import build_histogram
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue, PartitionState, Verdict
from airflow_mlmon.reports.charts import before_after, intervals
from airflow_mlmon.reports.feature import feature_file
from airflow_mlmon.reports.page import (
    DAY,
    MOST_COLUMNS,
    BaselineDays,
    ColumnRow,
    DayPage,
    Fact,
    PerformanceDay,
    ShownFile,
    ShownTable,
    rank_columns,
)
from airflow_mlmon.spec.baseline import BaselineKind
from airflow_mlmon.spec.metrics import DRIFT, ESTIMATION_GAP, UNSEEN
from airflow_mlmon.tasks.fairness import fairness_tables
from airflow_mlmon.tasks.outcome_table import OutcomeTable
from airflow_mlmon.tasks.parts import OutcomeParts
from airflow_mlmon.tasks.registry import METRICS, task_of

PAGE = DAY
INDEX = "index.html"
EVIDENTLY = "evidently.html"
EVIDENTLY_JSON = "evidently.json"
LEFT_OUT = "evidently_left_out.json"
_LIBRARIES = ("airflow-mlmon", "evidently", "great-expectations", "pandas", "pyarrow")
_PERFORMANCE_DAYS = 14


class _Found(NamedTuple):
    metrics: Sequence[MetricValue]
    verdicts: Sequence[Verdict]
    baselines: Sequence[BaselineFacts]
    label: Sequence[ColumnRow]


def day_page(run: Run, partition: Partition, written: Collection[str] = ()) -> DayPage:
    """Collect the content of a day's page; it links to the pages of columns that are written."""
    store = run.store
    state = store.state(partition) or PartitionState.failed(partition, "No run of this day has finished.")
    served = state.version if state.evaluated else None
    manifest = _artefact(run, partition, served, MANIFEST) or {"files": [], "quarantined": {}}
    evidently = _artefact(run, partition, served, LEFT_OUT)
    if isinstance(evidently, list):
        # as earlier releases wrote it, beside a page of every day
        evidently = {"file": EVIDENTLY, "left_out": evidently}
    metrics = store.metric_values(partition)
    together = next((value for value in metrics if value.multivariate), None)
    reference, profile = pinned_reference(run, partition.day), _profile(run, state) if served else None
    outcomes, before = _outcomes(run, state, reference) if served else (None, None)
    baselines = store.compared_with(partition)
    verdicts = tuple(store.verdicts(partition))
    found = _Found(metrics, verdicts, baselines, _label_row(run, metrics, outcomes, before))
    marks = marks_until(run, partition.day)
    return DayPage(
        model=run.model,
        state=state,
        redone=tuple(stale_days(run, partition.day, partition.day).get(partition.day, ())),
        description=run.spec.description,
        owner=run.spec.owner,
        labels=run.spec.labels,
        task=task_of(run.spec),
        own_metrics=run.spec.own_metrics,
        policy=run.spec.alerts.evaluation,
        alerts=tuple(run.ask(store.alerts, partition.day, partition.day)),
        verdicts=verdicts,
        checks=tuple(store.checks(partition)),
        columns=_columns(run, state, found, reference, profile) if profile else (),
        together=together if served else None,
        metrics=tuple(value for value in metrics if value.segment is None),
        trends=trend_charts(run, partition.day, marks, verdicts if state.evaluated else ()),
        marks=shown_marks(run, partition.day, marks),
        versions=versions_of(run, state, metrics, verdicts) if served else None,
        feature_hrefs={
            name: f"../{file}" for name in featured_columns(run.spec) if (file := feature_file(name)) in written
        },
        performance=_performance(run, partition.day) if run.spec.labels else (),
        tables=_tables(run, metrics, outcomes, before),
        fairness=_fairness(run, outcomes, profile) if profile and run.spec.fairness else (),
        quarantine=manifest["quarantined"],
        hours=draw_hours(run, state.partition, profile) if profile else None,
        requests=requests_of(run, state, metrics) if served else None,
        captured=captured_of(manifest),
        attributions=attributions_of(run, partition.day, metrics) if served else None,
        files=tuple(_source_file(file) for file in manifest["files"]),
        deliveries=tuple(
            replace(one, uri=delivery_uri(run, one.partition, one.version)) for one in deliveries_of(run, partition)
        ),
        baselines=_baselines(run, baselines),
        facts=_facts(run, state, reference),
        left_out=tuple(evidently["left_out"]) if evidently else (),
        evidently_href=evidently["file"] if evidently else None,
        links=find_links(store, run.links, partition),
        index_href=f"../{INDEX}",
        previous_href=_href_of(run, partition.shift(-1)),
        next_href=_href_of(run, partition.shift(1)),
    )


def _artefact(run: Run, partition: Partition, served: str | None, name: str) -> Any:
    """Read a JSON file of the served version; None if there is none."""
    if served is None:
        return None
    try:
        return json.loads(run.files.read(run.version_uri(partition, served, name)))
    except NotFoundError:
        return None


def column_scores(metrics: Sequence[MetricValue], columns: Collection[str]) -> list[MetricValue]:
    """Return the drift scores of some columns, of all rows."""
    return [value for value in metrics if value.metric == DRIFT and value.segment is None and value.column in columns]


def _profile(run: Run, state: PartitionState) -> Profile | None:
    """Read the profile of a day; None if it is not stored any more."""
    try:
        return read_profile(run, profile_uri(run, state.partition, str(state.version), str(state.schema)))
    except NotFoundError:
        return None


def _outcomes(
    run: Run, state: PartitionState, reference: StoredReference | None
) -> tuple[OutcomeParts | None, OutcomeParts | None]:
    """Return the outcome profiles of a day with labels, and those of the reference."""
    if reference is None or run.spec.labels is None:
        return None, None
    current = stored_outcomes(run, state.partition, str(state.version), reference.outcomes)
    return current, reference_outcomes(run, reference)


def _columns(
    run: Run,
    state: PartitionState,
    found: _Found,
    reference: StoredReference | None,
    profile: Profile,
) -> tuple[ColumnRow, ...]:
    """Return the drift of every column, with a chart of the first if the day has the schema of the reference."""
    titles = {
        column: facts.title
        for facts in found.baselines
        for column in facts.columns
        if facts.kind is not BaselineKind.REFERENCE
    }
    is_shown = reference is not None and reference.schema.id == state.schema
    compared = baseline_profiles(run, reference, found.baselines) if reference is not None and is_shown else {}
    unseen: dict[str | None, list[MetricValue]] = {}
    for value in found.metrics:
        if value.metric in UNSEEN:
            unseen.setdefault(value.column, []).append(value)
    rows = [
        ColumnRow(
            score=score,
            baseline=titles.get(str(score.column), ""),
            # a share of 0 is the rule
            unseen=tuple(one for one in unseen.get(score.column, ()) if one.value),
        )
        for score in column_scores(found.metrics, profile.columns)
    ]
    # a picture for each of those that are shown as cards
    ranked = rank_columns([*rows, *found.label], found.verdicts, run.spec.alerts.evaluation)
    return tuple(
        replace(row, picture=_picture(compared.get(str(row.score.column)), profile, str(row.score.column)))
        if rank < MOST_COLUMNS and row.picture is None
        else row
        for rank, row in enumerate(ranked)
    )


def _label_row(
    run: Run, metrics: Sequence[MetricValue], current: OutcomeParts | None, before: OutcomeParts | None
) -> list[ColumnRow]:
    """Return the drift of the label, if enough labels are received."""
    if run.spec.labels is None or current is None or before is None:
        return []
    name = run.spec.labels.label
    score = next((value for value in metrics if value.key == (DRIFT, name, None)), None)
    if score is None or score.drift is None:
        return []
    # the label is evaluated by its own metrics
    note = "; ".join(filter(None, (score.drift.note, "evaluated by the metrics of the labels")))
    bins = build_histogram(before.whole.label, current.whole.label)
    picture = before_after(bins, name) if bins.labels else None
    return [ColumnRow(score=replace(score, drift=replace(score.drift, note=note)), picture=picture)]


def _picture(compared: Profile | None, profile: Profile, column: str) -> Any:
    if compared is None:
        return None
    bins = build_histogram(compared.columns[column], profile.columns[column])
    return before_after(bins, column) if bins.labels else None


def _baselines(run: Run, compared: Sequence[BaselineFacts]) -> tuple[BaselineDays, ...]:
    pins = {pin.number: pin for pin in run.ask(run.store.baselines)}
    return tuple(
        BaselineDays(
            title=entry.title,
            columns=entry.columns,
            asked=entry.asked,
            days=entry.days,
            pin=pins.get(entry.pin) if entry.pin else None,
        )
        for entry in compared
    )


def _performance(run: Run, last: date) -> tuple[PerformanceDay, ...]:
    first = last - timedelta(days=_PERFORMANCE_DAYS - 1)
    names = _performance_metrics(run)
    values = run.ask_days(run.store.measured, first, last, names)
    return tuple(
        PerformanceDay(
            day=state.partition.day,
            metrics={
                name: values[state.partition.day, name] for name in names if (state.partition.day, name) in values
            },
            href=f"../{state.partition.key}/{PAGE}" if state.evaluated else None,
        )
        for state in shown_states(run, first, last)
    )


def _tables(
    run: Run, metrics: Sequence[MetricValue], current: OutcomeParts | None, before: OutcomeParts | None
) -> tuple[ShownTable, ...]:
    """Return the tables of the kind of model; none until enough labels have come for its metrics."""
    task = task_of(run.spec)
    own = {name for name in task.label_metrics if METRICS[name].is_performance}
    if not any(value.value is not None and value.metric in own for value in metrics):
        return ()
    found = task.tables(current.whole, before.whole if before else None) if current else ()
    return tuple(map(_shown, found))


def _fairness(run: Run, found: OutcomeParts | None, profile: Profile) -> tuple[ShownTable, ...]:
    """Return the rates of the groups of each protected column, with those of labels once they have come."""
    return tuple(map(_shown, fairness_tables(task_of(run.spec), run.spec, profile, found)))


def _shown(table: OutcomeTable) -> ShownTable:
    picture = intervals(table.points, table.axis, percent=table.is_share) if table.points else None
    return ShownTable(table=table, picture=picture)


def _performance_metrics(run: Run) -> tuple[str, ...]:
    task = task_of(run.spec)
    return (*task.label_metrics, *task.estimates.values(), ESTIMATION_GAP, *run.spec.own_metrics)


def _source_file(file: dict[str, Any]) -> ShownFile:
    notes = [file["problem"]] if file["problem"] else []
    if file["undeclared"]:
        notes.append(f"columns missing in the spec: {', '.join(file['undeclared'])}")
    notes += file.get("notes", ())
    return ShownFile(
        uri=file["uri"], rows=file["rows"], size=file["size"], checksum=file["sha256"], note="; ".join(notes)
    )


def _facts(run: Run, state: PartitionState, reference: StoredReference | None) -> tuple[Fact, ...]:
    facts = [
        Fact(name="Curated partition", value=curated_uri(run, state.partition, state.version or "none")),
        *_reference_facts(reference),
        *(Fact(name=name, value=installed) for name, installed in _versions().items()),
    ]
    return tuple(facts)


@cache
def _versions() -> Mapping[str, str]:
    """Return the versions of the libraries that the numbers depend on."""
    return {name: version(name) for name in _LIBRARIES}


def _reference_facts(reference: StoredReference | None) -> Sequence[Fact]:
    if reference is None:
        return ()
    rows = f"{reference.profile.rows:,} rows {reference.period}"
    files = ", ".join(f"{uri} (sha256 {checksum[:12]})" for uri, checksum in reference.files.items())
    facts = [Fact(name="Reference", value=rows), Fact(name="Reference files", value=files)]
    if reference.unknown:
        facts.append(Fact(name="Not known of the reference", value=f"no value of {', '.join(reference.unknown)}"))
    if reference.told:
        facts.append(Fact(name="Notes on the reference", value="; ".join(reference.told)))
    return facts


def _href_of(run: Run, partition: Partition) -> str | None:
    state = run.store.state(partition)
    return f"../{partition.key}/{PAGE}" if state is not None and state.evaluated else None

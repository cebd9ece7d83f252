"""Step of the pages: of the day, of days whose labels arrived, of columns that alert, and of the model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.evaluation.columns import drift_by_column
from airflow_mlmon.garbage import importing
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.pages.against import against_page
from airflow_mlmon.pipeline.pages.feature import feature_pages, featured_columns
from airflow_mlmon.pipeline.pages.model import model_page
from airflow_mlmon.pipeline.pages.pages import (
    EVIDENTLY,
    EVIDENTLY_JSON,
    INDEX,
    LEFT_OUT,
    PAGE,
    column_scores,
    day_page,
)
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.telemetry import observed
from airflow_mlmon.pipeline.workspace.curated import read_sampled
from airflow_mlmon.pipeline.workspace.drift_files import import_drift_files
from airflow_mlmon.pipeline.workspace.reference import ensure_reference, read_reference_sample
from airflow_mlmon.records import PartitionState
from airflow_mlmon.reports.against import against_file, render_against
from airflow_mlmon.reports.feature import FEATURE, feature_file, render_feature
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.reports.page import COLUMNS, is_wide, render_columns, render_day
from airflow_mlmon.reports.tone import Tone, tone_of
from airflow_mlmon.spec.choices import EvidentlyForm

# pages of columns that are written for one day; the others on demand
_MOST_FEATURES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Address of the day's page, and the number of pages written."""

    uri: str
    pages: int


@observed("write_reports")
def write_reports(
    run: Run, partition: Partition, days: Iterable[Partition], *, evidently: EvidentlyForm | None = None
) -> Written:
    """Write the page of the day, of each day whose results changed, and the model's index.

    Args:
        run: the model.
        partition: the day.
        days: the days whose results were replaced; none if the run failed before the evaluation.
        evidently: form of Evidently's report of the day, instead of the spec's.
    """
    days = list(days)
    state = run.store.state(partition)
    if state is not None and state.log != run.log_url:
        run.store.keep_log(partition, run.log_url)
    if partition in days and state is not None:
        _remove_earlier(run, state)
        if state.version is not None and state.rows_accepted:
            form = _evidently_form(run, state, evidently or run.spec.evidently)
            if form is not EvidentlyForm.NONE:
                run.progress("Evidently report")
                _write_evidently(run, state, state.version, has_page=form is EvidentlyForm.PAGE)
    changed = [day for day in days if day != partition and _is_evaluated(run, day)]
    pages = list(dict.fromkeys([partition, *changed, *_resting_on(run, partition)]))
    write_pages(run, pages)
    return Written(uri=run.report_uri(partition.key, PAGE), pages=len(pages))


def write_pages(run: Run, days: Iterable[Partition]) -> None:
    """Write the pages of some days, of the columns that alert on the last one, and of the model."""
    days = list(days)
    import_drift_files(run, days)
    with run.asking_once():
        _write_pages(run, days)


def _write_pages(run: Run, days: Sequence[Partition]) -> None:
    last = run.store.last_evaluated_day(run.model)
    if last is not None and any(day.day == last for day in days):
        write_features(run, _alerting_columns(run, last)[:_MOST_FEATURES])
    features = _written_features(run)
    for day in days:
        run.progress(f"page of {day.key}")
        page = day_page(run, day, features)
        run.files.write(run.report_uri(day.key, PAGE), render_day(page).encode())
        if is_wide(page):
            run.files.write(run.report_uri(day.key, COLUMNS), render_columns(page).encode())
    write_model(run)


def write_model(run: Run) -> str:
    """Write the page of the model, and return its address."""
    uri = run.report_uri(INDEX)
    run.files.write(uri, render_model(model_page(run, written=_written_features(run))).encode())
    return uri


def write_against(run: Run, partition: Partition, other: Partition) -> str:
    """Write the page of a day against another, and return its address.

    Raises:
        ConfigError: it is the same day.
        NotFoundError: a day was not run.
    """
    page = against_page(run, partition, other)
    uri = run.report_uri(partition.key, against_file(other.day))
    run.files.write(uri, render_against(page).encode())
    return uri


def write_features(run: Run, columns: Sequence[str]) -> list[str]:
    """Write the pages of some columns, and return their addresses.

    Raises:
        NotFoundError: the model has no such column, or it is personal.
    """
    found = []
    for page in feature_pages(run, columns) if columns else ():
        run.progress(f"page of {page.column}")
        found.append(run.report_uri(feature_file(page.column)))
        run.files.write(found[-1], render_feature(page).encode())
    return found


def _written_features(run: Run) -> set[str]:
    """Return the names of the pages of columns that are there."""
    return {item.uri.rpartition("/")[2] for item in run.files.list(run.report_uri(FEATURE))}


def _alerting_columns(run: Run, day: date) -> list[str]:
    """Return the columns that alert on a day, in the order of their evaluation."""
    known = featured_columns(run.spec)
    alerting = dict.fromkeys(alert.column for alert in run.ask(run.store.alerts, day, day))
    return [column for column in alerting if column in known]


def _remove_earlier(run: Run, state: PartitionState) -> None:
    """Remove what an earlier run of the day wrote beside its page, which this run may not write again."""
    items = run.files.list(f"{run.report_uri(state.partition.key)}/")
    earlier = [item.uri for item in items if item.uri.rpartition("/")[2] != PAGE]
    if earlier and state.version is not None:
        # of a run of the same rows
        earlier.append(run.version_uri(state.partition, state.version, LEFT_OUT))
    for uri in earlier:
        run.files.delete(uri)


def _resting_on(run: Run, partition: Partition) -> list[Partition]:
    """Return the later days whose verdicts are stale because the rows of the day have changed."""
    later = partition.shift(1).day, partition.shift(run.spec.history.days).day
    stale = stale_days(run, *later)
    return [run.partition(day) for day, redone in stale.items() if partition.day in redone]


def _is_evaluated(run: Run, partition: Partition) -> bool:
    state = run.store.state(partition)
    return state is not None and state.evaluated


def _evidently_form(run: Run, state: PartitionState, asked: EvidentlyForm) -> EvidentlyForm:
    """Return the form in which Evidently's report of a day is written, where `auto` decides by the day."""
    if asked is not EvidentlyForm.AUTO:
        return asked
    day = state.partition.day
    tone = tone_of(state, run.store.alerts(run.model, day, day), run.store.checks(state.partition))
    is_first = not run.store.has_evaluated_before(run.model, day)
    return EvidentlyForm.PAGE if is_first or tone is Tone.ALERTING else EvidentlyForm.NONE


def _write_evidently(run: Run, state: PartitionState, version: str, *, has_page: bool) -> None:
    """Write Evidently's own report on samples, beside the page."""
    from airflow_mlmon.quality.frame import to_frame  # noqa: PLC0415 - imports pandas

    with importing("airflow_mlmon.reports.evidently"):
        from airflow_mlmon.reports.evidently import write_evidently  # noqa: PLC0415 - takes seconds

    partition = state.partition
    current = read_sampled(run, partition, version)
    reference = ensure_reference(run, partition.day)
    kinds = {column.name: column.kind for column in reference.schema.columns}
    report = write_evidently(
        current=to_frame(current),
        reference=to_frame(read_reference_sample(run, reference)),
        drift=column_scores(run.store.metric_values(partition), kinds),
        kinds=kinds,
        verdicts=drift_by_column(run.store.verdicts(partition)),
        spec=run.spec,
        title=str(partition),
    )
    if has_page:
        # its version is in its name, so that a page keeps the script that it was made for
        script = run.report_uri(report.script_name)
        if not run.files.list(script):
            run.files.write(script, report.script)
        run.files.write(run.report_uri(partition.key, EVIDENTLY), report.html)
    run.files.write(run.report_uri(partition.key, EVIDENTLY_JSON), report.json)
    told = {"file": EVIDENTLY if has_page else EVIDENTLY_JSON, "left_out": report.left_out}
    run.files.write(run.version_uri(partition, version, LEFT_OUT), json.dumps(told).encode())

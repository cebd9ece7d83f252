"""Evidently's report of a day, with the drift scores of all rows in it.

Evidently writes values of the data unescaped into a script of its page, aborts a whole report on one bad column,
and shows every value of a category: this module guards against each.
"""

from __future__ import annotations

import html
import json
import math
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.reports.evidently_pictures import ValueDrift
from airflow_mlmon.reports.evidently_script import link_script
from airflow_mlmon.reports.sample import Sample, draw_sample
from airflow_mlmon.reports.svg import printable
from airflow_mlmon.reports.wording import NOT_ENOUGH
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.spec.model import ModelSpec

with warnings.catch_warnings():
    # its import uses deprecated names of its dependencies
    warnings.simplefilter("ignore")
    from evidently import DataDefinition, Dataset, Report, __version__
    from evidently.core.metric_types import ColumnMetric, SingleValue, SingleValueCalculation, SingleValueMetric
    from evidently.core.report import Context, Snapshot
    from evidently.legacy.renderers.html_widgets import CounterData, WidgetSize, counter
    from evidently.legacy.utils import dashboard
    from evidently.metrics import MissingValueCount, RowCount
    from evidently.tests import Reference, gte, lte

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_GUARD = threading.Lock()
_NULL_MARGIN = 0.05
# of a wide table: the page of a thousand has 40 MB, and takes more than a minute
_MOST_COLUMNS = 100
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; font-src data:; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
_VERDICTS = {
    VerdictState.OK: "not drifted",
    VerdictState.BREACH: "drifted",
    VerdictState.INSUFFICIENT_DATA: NOT_ENOUGH,
}
_FRAME = """<title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<style>.mlmon{{font:16px/1.5 system-ui,sans-serif;margin:1rem 1.5rem}}.mlmon h1{{font-size:1.5rem;margin:0}}</style>"""
_HEADING = """<div class="mlmon"><h1>{title}</h1>
<p>First the drift scores of all rows, each with its verdict; below, Evidently's own metrics and tests with Evidently's
own thresholds, which raise no alert, on samples of {current:,} rows of the day and {reference:,} rows of the
reference.</p></div>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidentlyReport:
    """Report as a page and as data, and the columns that are not in it, each with the reason.

    Attributes:
        html: The page, which links to its script in the folder above.
        script: The script.
        script_name: Name of its file.
        json: The data.
        left_out: Columns that are not in it.
    """

    html: bytes
    script: bytes
    script_name: str
    json: bytes
    left_out: tuple[str, ...]


class FullDataDrift(ColumnMetric, SingleValueMetric):  # type: ignore[misc] # evidently has no complete types
    """A drift score that was computed on all rows, and its verdict."""

    class Config:
        """Name of the metric in snapshots."""

        type_alias = "airflow_mlmon:metric_v2:FullDataDrift"

    method: str
    score: float
    verdict: str = ""
    rows: int = 0


class FullDataDriftCalculation(SingleValueCalculation[FullDataDrift]):  # type: ignore[misc] # as above
    """Calculation that passes the score on to the report."""

    def calculate(self, context: Context, current_data: Dataset, reference_data: Dataset | None) -> SingleValue:
        """Return the score computed elsewhere."""
        del context, current_data, reference_data
        result = self.result(self.metric.score)
        shown = CounterData(label="", value=f"{self.metric.score:.3f}")
        result.widget = [counter(title=self.display_name(), size=WidgetSize.HALF, counters=[shown])]
        return result

    def display_name(self) -> str:
        """Return the title of the number."""
        verdict = f", {self.metric.verdict}" if self.metric.verdict else ""
        return f"{self.metric.column}: {self.metric.method} of all {self.metric.rows:,} rows{verdict}"


def write_evidently(
    *,
    current: pd.DataFrame,
    reference: pd.DataFrame,
    drift: Sequence[MetricValue],
    kinds: Mapping[str, Kind],
    verdicts: Mapping[str, Verdict],
    spec: ModelSpec,
    title: str,
) -> EvidentlyReport:
    """Write Evidently's report of a sample of the day against a sample of the reference."""
    only = _most_drifted(drift, verdicts) if len(kinds) > _MOST_COLUMNS else None
    sample = draw_sample(current=current, reference=reference, kinds=kinds, spec=spec, only=only)
    shown = [value for value in drift if only is None or value.column in only]
    ours, without_score = _full_data_metrics(shown, verdicts, sample)
    # the guards change the state of the process: warnings and evidently's json
    with _GUARD:
        snapshot, failed = _run(sample, ours)
        page = _page(snapshot, title=title, sample=sample)
    document = json.dumps(_finite(snapshot.dict()), allow_nan=False, default=str, sort_keys=True)
    left_out = (*sample.left_out, *without_score, *failed)
    script, name = (Path(dashboard.STATIC_PATH) / "index.js").read_text(encoding="utf-8"), f"evidently-{__version__}.js"
    return EvidentlyReport(
        html=link_script(page, script, name).encode(),
        script=script.encode(),
        script_name=name,
        json=document.encode(),
        left_out=left_out,
    )


def _most_drifted(drift: Sequence[MetricValue], verdicts: Mapping[str, Verdict]) -> frozenset[str]:
    """Return the columns with the most drift, as many as a page can show: drifted ones first."""

    def rank(found: MetricValue) -> tuple[bool, float]:
        verdict = verdicts.get(str(found.column))
        return verdict is None or verdict.state is not VerdictState.BREACH, -(found.value or 0.0)

    return frozenset(str(found.column) for found in sorted(drift, key=rank)[:_MOST_COLUMNS])


def _full_data_metrics(
    drift: Sequence[MetricValue], verdicts: Mapping[str, Verdict], sample: Sample
) -> tuple[list[FullDataDrift], list[str]]:
    metrics, left_out = [], []
    for found in drift:
        column, detail = str(found.column), found.drift
        if column in sample.private or detail is None:
            continue
        if found.value is None or not math.isfinite(found.value) or Method(detail.method).is_sampled:
            left_out.append(f"{column}: {detail.note or 'not enough data'}")
            continue
        verdict = verdicts.get(column)
        metrics.append(
            FullDataDrift(
                column=sample.names.get(column, column),
                method=detail.method,
                score=found.value,
                verdict=_VERDICTS[verdict.state] if verdict else "",
                rows=found.rows,
                tests=[],
            )
        )
    return metrics, left_out


def _run(sample: Sample, ours: Sequence[FullDataDrift]) -> tuple[Snapshot, list[str]]:
    """Run the report; if a column breaks it, run each column alone and leave the broken ones out."""
    columns = [*sample.numeric, *sample.category]
    try:
        return _report(sample, [*ours, *_own_metrics(columns)]), []
    except Exception:  # noqa: BLE001 - evidently passes on any error of its libraries
        good: list[str] = []
        failed: list[str] = []
        for column in columns:
            if (reason := _failure(sample, column)) is None:
                good.append(column)
            else:
                failed.append(f"{column}: Evidently cannot compute it ({reason})")
        return _report(sample, [*ours, *_own_metrics(good)]), failed


def _failure(sample: Sample, column: str) -> str | None:
    """Return the class of the error of a column; the message may contain values."""
    try:
        _report(sample, [ValueDrift(column=column)])
    except Exception as error:  # noqa: BLE001 - as above
        return type(error).__name__
    return None


def _own_metrics(columns: Sequence[str]) -> Iterator[Any]:
    yield RowCount(tests=[gte(1)])
    for column in columns:
        yield ValueDrift(column=column)
    for column in columns:
        # the two samples differ in size: only shares can be compared
        yield MissingValueCount(column=column, tests=[], share_tests=[lte(Reference(absolute=_NULL_MARGIN))])


def _report(sample: Sample, metrics: Sequence[Any]) -> Snapshot:
    definition = DataDefinition(numerical_columns=list(sample.numeric), categorical_columns=list(sample.category))
    with warnings.catch_warnings():
        # numpy and scipy warn about samples with few, equal or huge values
        warnings.simplefilter("ignore")
        frames = [
            Dataset.from_pandas(frame, data_definition=definition) for frame in (sample.current, sample.reference)
        ]
        return Report(list(metrics), include_tests=True).run(*frames)


def _page(snapshot: Snapshot, *, title: str, sample: Sample) -> str:
    with _escaped_scripts():
        page: str = snapshot.get_html_str(as_iframe=False)
    name = html.escape(printable(title))
    heading = _HEADING.format(title=name, current=len(sample.current), reference=len(sample.reference))
    page = page.replace("<head>", f"<head>\n{_FRAME.format(title=name, policy=_POLICY)}", 1)
    return page.replace("<body>", f"<body>\n{heading}", 1).lstrip()


@contextmanager
def _escaped_scripts() -> Iterator[None]:
    """Make Evidently write its data so that no value can end the script that contains it."""

    def dumps(*args: Any, **settings: Any) -> str:
        text = json.dumps(*args, **settings)
        for character, escape in _ESCAPES.items():
            text = text.replace(character, escape)
        return text

    original = dashboard.json
    dashboard.json = SimpleNamespace(dumps=dumps)
    try:
        yield
    finally:
        dashboard.json = original


def _finite(value: Any) -> Any:
    """Replace each number that JSON does not have by null."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value

"""The monitored model of a data set: its history, run for real, and days with faults, evaluated but not published."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from airflow_mlmon.alerts.message import day_message
from airflow_mlmon.lifecycle.incidents import group_incidents
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import detect_drift
from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition
from airflow_mlmon.pipeline.steps.performance import measure_labels, measure_performance
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.steps.profile import profile_partition
from airflow_mlmon.pipeline.steps.validate import validate_partition
from airflow_mlmon.pipeline.workspace.outcomes import Measured
from airflow_mlmon.records import Alert, Delivery, PartitionState, Results
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.history import Value
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.faults.planting import Planted
from tests.benchmarks.faults.source import Source, write_day
from tests.support.nightly_model import evaluate_day

_DAY = timedelta(days=1)


class Unpublished(MetricStore):
    """A store that keeps what is published beside it, and not in it, and has no deliveries of labels after a day.

    Nothing in it changes, so that each history is read once.
    """

    until = date.max

    def publish(self, state: PartitionState | None, results: Sequence[Results], **_: Any) -> None:
        """Keep the record of a day and its results."""
        self.published = state, list(results)

    def deliveries(self, model: str, first: date, last: date) -> list[Delivery]:
        """Read the deliveries that had come by the day."""
        return super().deliveries(model, first, min(last, self.until))

    def past(self, model: str, metrics: Sequence[str], before: date, days: int) -> list[Value]:
        """Read the values of the days before a day."""
        return self._once(super().past, model, tuple(metrics), before, days)

    def earliest(self, model: str, metrics: Mapping[str, tuple[date, int]], last: date) -> dict[str, list[Value]]:
        """Read the first values of a range."""
        return {name: self._once(self._first, model, name, asked, last) for name, asked in metrics.items()}

    def _first(self, model: str, metric: str, asked: tuple[date, int], last: date) -> list[Value]:
        return super().earliest(model, {metric: asked}, last)[metric]

    def _once(self, read: Callable[..., list[Value]], *arguments: Any) -> list[Value]:
        known = self.__dict__.setdefault("known", {})
        key = read.__name__, arguments
        if key not in known:
            known[key] = read(*arguments)
        return list(known[key])


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of a day: its alerts, and the day as it would be published."""

    state: PartitionState
    alerts: tuple[Alert, ...]

    def beyond(self, untouched: Told) -> Told:
        """What is told that is not told of the untouched day."""
        known = {(alert.key, alert.partition) for alert in untouched.alerts}
        own = (alert for alert in self.alerts if (alert.key, alert.partition) not in known)
        return Told(state=self.state, alerts=tuple(own))

    @property
    def incidents(self) -> int:
        """Their number, as messages count them."""
        return len(group_incidents(self.alerts))

    @property
    def first_line(self) -> str:
        """The first line of the message."""
        return day_message(self.state, self.alerts).text.splitlines()[0] if self.alerts else ""

    @property
    def lines(self) -> list[str]:
        """The message without its second line."""
        return day_message(self.state, self.alerts).text.splitlines() if self.alerts else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored:
    """The model of a data set, with the history of its days in a folder."""

    source: Source
    folder: Path

    @property
    def is_ready(self) -> bool:
        """Whether the history was run to its end."""
        return (self.folder / "ready").exists()

    def run_history(self, until: date) -> None:
        """Pin the reference and run each day up to one, as every night would have."""
        self.source.write(self.folder, until)
        with MetricStore(_url(self.folder / "store.db")) as store:
            run = self.run(store, self.folder / "predictions", self.folder / "labels")
            for day in self.source.days[self.source.reference :]:
                if day <= until:
                    evaluate_day(run, run.partition(day))
        (self.folder / "ready").touch()

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Planting]:
        """The model, for days with faults whose files are in a scratch folder."""
        scratch.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / "store.db", scratch / "store.db")
        with Unpublished(_url(scratch / "store.db")) as store:
            yield Planting(model=self, scratch=scratch, store=store)
        shutil.rmtree(scratch)

    def run(self, store: MetricStore, predictions: Path, labels: Path) -> Run:
        """The model on the files of two folders."""
        text = self.source.spec_text(predictions, self.folder / "labels")
        text = text.replace(str(self.folder / "labels"), str(labels))
        spec = parse_spec(text, f"{self.source.name}.yaml")
        return Run(spec=spec, storage=Storage(), store=store, workspace=str(self.folder / "workspace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planting:
    """Evaluation of days with faults, whose files are in a scratch folder."""

    model: Monitored
    scratch: Path
    store: Unpublished

    def untouched(self, day: date) -> dict[str, Told]:
        """What is told of the day without a fault, by view."""
        rows = self.model.source.by_day[day]
        views = [Planted(rows, ())]
        if self.model.source.label:
            views += [Planted(rows, (), is_labelled=True), Planted(None, (), labels=rows)]
        return {one.view: self.tell(day, one) for one in views}

    def tell(self, day: date, planted: Planted) -> Told:
        """Run a day with a fault through the steps of the night up to its alerts, which are not published."""
        return self._tell_labels(day, planted) if planted.rows is None else self._tell_rows(day, planted)

    def _tell_rows(self, day: date, planted: Planted) -> Told:
        source, folder = self.model.source, self.scratch / "predictions"
        write_day(folder, day, source.to_table(planted.rows, planted.texts))
        self.store.until = day + _DAY if planted.is_labelled else day
        run = self.model.run(self.store, folder, self.model.folder / "labels")
        prepared = prepare_partition(run, run.partition(day))
        # the labels of the days before come with a day, and are not of its rows
        own = measure_labels(run, prepared.partition, prepared.version)
        return _tell(run, prepared, [own] if own else [])

    def _tell_labels(self, day: date, planted: Planted) -> Told:
        """Run the day after, on which the labels come; their delivery is stored."""
        labels, copy = self.scratch / "labels", self.scratch / "labelled.db"
        shutil.copyfile(self.model.folder / "store.db", copy)
        write_day(labels, day + _DAY, self.model.source.to_labels(planted.labels))
        with Unpublished(_url(copy)) as store:
            store.until = day + _DAY
            run = self.model.run(store, self.model.folder / "predictions", labels)
            prepared = prepare_partition(run, run.partition(day + _DAY))
            return _tell(run, prepared, measure_performance(run, prepared))


def _tell(run: Run, prepared: Prepared, measured: Sequence[Measured]) -> Told:
    """Evaluate a prepared day, and remove what it left in the workspace."""
    validate_partition(run, prepared)
    profiled = profile_partition(run, prepared)
    evaluate_partition(run, prepared, profiled, detect_drift(run, prepared, profiled), measured)
    if prepared.version != prepared.supersedes:
        shutil.rmtree(Path(run.version_uri(prepared.partition, prepared.version, "x")).parent)
    assert isinstance(run.store, Unpublished)
    state, results = run.store.published
    assert state is not None
    return Told(state=state, alerts=tuple(alert for one in results for alert in one.alerts))


def _url(path: Path) -> str:
    return f"sqlite:///{path}"

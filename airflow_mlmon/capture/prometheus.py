"""Counters of captures for Prometheus, of this process: a server of several processes is scraped at each of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from airflow_mlmon.capture.schema import CaptureSchema


class CountedCapture(Protocol):
    """Capture, as its metrics see it."""

    @property
    def schema(self) -> CaptureSchema:
        """Schema of its rows, which names the model."""

    @property
    def counters(self) -> Mapping[str, Any]:
        """What became of its rows."""


class CaptureMetric(NamedTuple):
    """Metric as Prometheus knows it; `samples` are labels and value. A counter's name lacks its `_total`."""

    name: str
    kind: str
    documentation: str
    samples: list[tuple[dict[str, str], float]]


class CaptureCollector:
    """Collector for a registry of `prometheus_client`: `REGISTRY.register(CaptureCollector(capture))`."""

    def __init__(self, *captures: CountedCapture) -> None:
        self._captures = captures

    def collect(self) -> Iterator[Any]:
        """Yield the metrics in the classes of `prometheus_client`, which whoever calls this has imported."""
        core = importlib.import_module("prometheus_client.core")
        families = {"counter": core.CounterMetricFamily, "gauge": core.GaugeMetricFamily}
        for metric in measure_captures(self._captures):
            names = list(metric.samples[0][0])
            family = families[metric.kind](metric.name, metric.documentation, labels=names)
            for labels, value in metric.samples:
                family.add_metric([labels[name] for name in names], value)
            yield family


def write_metrics(*captures: CountedCapture) -> str:
    """Return the metrics in the text format of Prometheus, for a service without `prometheus_client`."""
    return "".join(_to_text(metric) for metric in measure_captures(captures))


def measure_captures(captures: Iterable[CountedCapture]) -> list[CaptureMetric]:
    """Return the metrics of captures that have samples."""
    found: _Found = []
    for capture in captures:
        counters, model = capture.counters, capture.schema.model
        found.append(({"model": model, "archive": "predictions"}, counters))
        if "labels" in counters:
            found.append(({"model": model, "archive": "labels"}, counters["labels"]))
    metrics = [
        _rows(found),
        _by_reason("values_refused", "Values that could not be kept, of rows that were.", "refused", found),
        _by_reason("requests_skipped", "Requests of which no row was made.", "skipped", found),
        _by_reason("publish_failures", "Attempts to publish a file that failed.", "publish_failures", found),
        _gauge("queue_rows", "Rows that wait in memory.", "queue_rows", found),
        _gauge("queue_bytes", "Bytes of the rows that wait in memory, roughly.", "queue_bytes", found),
        _gauge("spool_rows", "Rows in files that wait on the disk.", "spooled", found),
        _gauge("spool_bytes", "Bytes of the files that wait on the disk.", "spool_bytes", found),
        _gauge("last_publish_timestamp_seconds", "Time of the last file published.", "last_publish", found),
    ]
    return [metric for metric in metrics if metric.samples]


_Found = list[tuple[dict[str, str], Mapping[str, Any]]]


def _rows(found: _Found) -> CaptureMetric:
    """Return what became of rows: all that were logged are accepted, and some of them published or dropped."""
    samples = []
    for labels, counters in found:
        counts = [(outcome, "", counters[outcome]) for outcome in ("accepted", "published", "sampled_out")]
        counts += [("dropped", reason, rows) for reason, rows in sorted(counters["dropped"].items())]
        samples += [({**labels, "outcome": outcome, "reason": reason}, float(rows)) for outcome, reason, rows in counts]
    return CaptureMetric("mlmon_capture_rows", "counter", "Rows that were logged, by what became of them.", samples)


def _by_reason(name: str, documentation: str, key: str, found: _Found) -> CaptureMetric:
    samples = [
        (labels | {"reason": reason}, float(count))
        for labels, counters in found
        for reason, count in sorted(counters[key].items())
    ]
    return CaptureMetric(f"mlmon_capture_{name}", "counter", documentation, samples)


def _gauge(name: str, documentation: str, key: str, found: _Found) -> CaptureMetric:
    samples = [(labels, float(counters[key])) for labels, counters in found if counters[key] is not None]
    return CaptureMetric(f"mlmon_capture_{name}", "gauge", documentation, samples)


def _to_text(metric: CaptureMetric) -> str:
    name = f"{metric.name}_total" if metric.kind == "counter" else metric.name
    lines = [f"# HELP {name} {metric.documentation}", f"# TYPE {name} {metric.kind}"]
    for labels, value in metric.samples:
        inside = ",".join(f'{key}="{_escape(text)}"' for key, text in sorted(labels.items()))
        lines.append(f"{name}{{{inside}}} {value!r}")
    return "".join(f"{line}\n" for line in lines)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

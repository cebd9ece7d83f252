"""Draw the pictures of the dashboards for the docs: `python -m tests.support.grafana.pictures include/docs`.

Those of the fleet, of a model and of the runs show three weeks of a small fleet: the store is a real PostgreSQL, and
Prometheus has the gauges of each of its nights, and the rules' results on them. Airflow's and Druid's own metrics are
those that were recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from PIL import Image
from playwright.sync_api import Browser

from airflow_mlmon.store.metric_store import MetricStore
from tests.support.browser import chromium
from tests.support.grafana.answers import ask_both, from_prometheus
from tests.support.grafana.dashboards import Query, Shown, of_target
from tests.support.grafana.fleet import DRIFTED, FIRST, MODELS, SCRAPES, gauges_of_nights
from tests.support.grafana.page import page_of
from tests.support.grafana.recorded import SYSTEMS, fill_database, recorded, system_of, time_of
from tests.support.postgres import fresh_database, private_postgres
from tests.support.prometheus import Prometheus

_DAYS = 21
_CHOSEN: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "fleet": {"model": tuple(MODELS)},
    "model": {"model": DRIFTED, "metric": "roc_auc"},
    "runs": {"model": tuple(MODELS)},
    "druid": {},
}
_RULES = Path(__file__).parents[3] / "include" / "deploy" / "prometheus" / "rules.yml"
_KEPT = "global: {scrape_interval: 1h}\n"
_COLOURS = 96


class _KeptPrometheus(Prometheus):
    """One with what was put into it alone, whose values hold until the next scrape of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _KEPT)

    def arguments(self) -> list[str]:
        return [*super().arguments(), f"--query.lookback-delta={24 // SCRAPES + 1}h"]


def draw_all(folder: Path) -> None:
    """Draw every picture into a folder."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(prefix="mlmon-pictures-")))
        store = stack.enter_context(MetricStore(fresh_database(stack.enter_context(private_postgres()))))
        history = gauges_of_nights(store, _DAYS)
        for text in (history, *(recorded(system) for system in SYSTEMS)):
            fill_database(place, text)
        _evaluate_rules(place)
        server = stack.enter_context(_KeptPrometheus(place))
        browser = stack.enter_context(chromium())
        _draw(browser, folder, store, server)


def _draw(browser: Browser, folder: Path, store: MetricStore, server: Prometheus) -> None:
    ask = ask_both(server, store._database.engine)
    for name, values in _CHOSEN.items():
        page = browser.new_page(viewport={"width": 1240, "height": 100})
        page.set_content(page_of(name, ask, partial(_shown_in, values)))
        picture = Image.open(BytesIO(page.screenshot(full_page=True)))
        # with few colours it is a third as large
        picture.convert("RGB").quantize(_COLOURS).save(folder / f"dashboard_{name}.png", optimize=True)
        page.close()


def _shown_in(values: Mapping[str, str | tuple[str, ...]], panel: Any) -> Shown:
    """What a panel shows: three weeks, or the time of what was recorded."""
    targets = [of_target(target, "") for target in panel.get("targets", ())]
    for system in (system_of(query.text) for query in targets if query.source == "prometheus"):
        if system is not None:
            return time_of(system)
    since = datetime.combine(FIRST + timedelta(days=1), time(), UTC)
    return Shown(since=since, until=since + timedelta(days=_DAYS), values=values)


def _evaluate_rules(place: Path) -> None:
    """Record the rules' results on the past; some rest on others, and come in a second round."""
    rules = [rule for group in yaml.safe_load(_RULES.read_text())["groups"] for rule in group["rules"]]
    for _ in range(2):
        with _KeptPrometheus(place) as server:
            lines = [line for rule in rules if "record" in rule for line in _results(server, rule)]
        fill_database(place, "\n".join([*lines, "# EOF\n"]))


def _results(server: Prometheus, rule: Mapping[str, str]) -> Iterator[str]:
    start = datetime.combine(FIRST + timedelta(days=1), time(8), UTC)
    query = Query(source="prometheus", text=rule["expr"], panel="", instant=False)
    shown = Shown(since=start, until=start + timedelta(days=_DAYS), values={})
    for line in from_prometheus(server, query, shown, 24 // SCRAPES * 3600):
        labels = ",".join(f'{name}="{value}"' for name, value in line.labels.items())
        yield from (f"{rule['record']}{{{labels}}} {value} {int(at)}" for at, value in line.points)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))

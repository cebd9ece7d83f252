"""Faults between the columns of a row, or between rows, that leave each column as it was: each is found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace import reference as pinning
from airflow_mlmon.pipeline.workspace.reference import ensure_reference, renew_reference
from airflow_mlmon.pipeline.workspace.row_contents import measure_contents
from airflow_mlmon.records import MetricValue, VerdictState
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.base_day import REFERENCE_DAYS, BaseArchive, day_of, run_day

ROWS = 400
OF_ROWS = {"broken_relation_rate", "explained_share", "equal_share", "repeated_share", "replayed_share"}
FEATURES = "".join(f"    {name}: {{type: float}}\n" for name in ("start", "end", "size", "weight", "width"))
COLUMNS = (
    "    amount: {type: float}\n    country: {type: category}\n",
    FEATURES + "    secret: {type: float, personal: drop}\n",
)


def _rows(day: date, rows: int = ROWS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(day.toordinal())
    size, width, of_weight, of_score = rng.normal(size=(4, rows))
    start = rng.uniform(0, 1e5, rows)
    return {
        "start": start,
        "end": start + rng.exponential(2e4, rows),
        "size": size,
        "weight": 0.8 * size + 0.6 * of_weight,
        "width": width,
        "secret": size,
        "score": 1 / (1 + np.exp(-width - 0.5 * of_score)),
    }


def _table(day: date, columns: dict[str, np.ndarray]) -> pa.Table:
    rows = len(columns["score"])
    first = datetime.combine(day, time(), UTC)
    return pa.table(
        {
            "id": [f"{day}-{n}" for n in range(rows)],
            "at": pa.array([first + timedelta(seconds=100 * n) for n in range(rows)], pa.timestamp("us", "UTC")),
            **columns,
            "flagged": columns["score"] > 0.5,
        }
    )


def _shuffled(columns: dict[str, np.ndarray], day: date) -> dict[str, np.ndarray]:
    return columns | {"width": np.random.default_rng(day.toordinal()).permutation(columns["width"])}


def _out_of_order(columns: dict[str, np.ndarray], _: date) -> dict[str, np.ndarray]:
    is_swapped = np.arange(len(columns["start"])) % 12 == 0
    start, end = columns["start"], columns["end"]
    return columns | {"start": np.where(is_swapped, end, start), "end": np.where(is_swapped, start, end)}


def _copied(columns: dict[str, np.ndarray], _: date) -> dict[str, np.ndarray]:
    return columns | {"width": np.where(np.arange(len(columns["size"])) % 8 == 0, columns["size"], columns["width"])}


def _fanned_out(columns: dict[str, np.ndarray], _: date) -> dict[str, np.ndarray]:
    return {name: np.concatenate([values[:-40], values[:40]]) for name, values in columns.items()}


def _replayed(_: dict[str, np.ndarray], day: date) -> dict[str, np.ndarray]:
    return _rows(day - timedelta(days=3))


FAULTS = [_shuffled, _out_of_order, _copied, _fanned_out, _replayed]
FOUND = {
    _shuffled: ("explained_share", "score", ""),
    _out_of_order: ("broken_relation_rate", "start", "start ≤ end"),
    _copied: ("equal_share", "width", "as size"),
    _fanned_out: ("repeated_share", None, ""),
    _replayed: ("replayed_share", None, f"most on {day_of(3)}"),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> BaseArchive:
    """Two healthy days, and then one of each fault."""
    made = BaseArchive(tmp_path_factory.mktemp("rows"))
    text = made.spec_text.replace(*COLUMNS)
    assert text != made.spec_text
    made.spec_text = text
    past = [day_of(-back) for back in range(REFERENCE_DAYS, 0, -1)]
    made.write("reference/part-0.parquet", pa.concat_tables([_table(day, _rows(day)) for day in past]))
    for offset, fault in enumerate([None, None, *FAULTS]):
        day = day_of(offset)
        columns = _rows(day)
        made.write_day(day, _table(day, fault(columns, day) if fault else columns))
    return made


@pytest.fixture(scope="module")
def run(archive: BaseArchive) -> Iterator[Run]:
    """The model, with all days run."""
    with archive.opened() as opened:
        for offset in range(2 + len(FAULTS)):
            run_day(opened, day_of(offset))
        yield opened


def _breaches(run: Run, offset: int) -> dict[tuple[str, str | None], str]:
    return {
        (one.metric, one.column): one.note
        for one in run.store.verdicts(run.partition(day_of(offset)))
        if one.state is VerdictState.BREACH and one.metric in OF_ROWS
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found_by_name(run: Run, fault: Callable[..., object]) -> None:
    metric, column, words = FOUND[fault]
    found = _breaches(run, 2 + FAULTS.index(fault))
    assert words in found[metric, column]


def test_healthy_days_are_healthy(run: Run) -> None:
    assert _breaches(run, 0) == _breaches(run, 1) == {}


def test_days_of_the_reference_are_measured_against_the_others(run: Run) -> None:
    replayed = run.store.metric_details("m", "replayed_share", day_of(-REFERENCE_DAYS), day_of(-1))
    assert [value.value for _, value in replayed] == [0.0] * REFERENCE_DAYS


def test_contents_of_the_days_before_are_read_once_in_a_process(run: Run) -> None:
    reference, day = ensure_reference(run), run.partition(day_of(2 + FAULTS.index(_replayed)))
    version = run.store.states(run.model, day.day, day.day)[0].version or ""

    def measured(by: Run) -> list[MetricValue]:
        return list(measure_contents(by, reference.rows, reference.folder, day, version))

    found = measured(run)
    # as in another process, which has read nothing yet
    assert measured(replace(run)) == found
    items = run.files.list(run.uri("partitions", day.shift(-3).key))
    before = {item.uri: run.files.read(item.uri) for item in items if "/contents-" in item.uri}
    for uri in before:
        run.files.delete(uri)
    try:
        assert measured(run) == found
        assert measured(replace(run)) != found
    finally:
        for uri, data in before.items():
            run.files.write(uri, data)


def test_contents_are_counted_while_the_rows_are_read_as_they_are_from_the_file(run: Run) -> None:
    reference, day = ensure_reference(run), run.partition(day_of(0))
    version = run.store.states(run.model, day.day, day.day)[0].version or ""
    (uri,) = (item.uri for item in run.files.list(run.uri("partitions", day.key)) if "/contents-" in item.uri)

    run.files.delete(uri)
    prepare_partition(run, day)
    of_pass = run.files.read(uri)
    run.files.delete(uri)
    list(measure_contents(run, reference.rows, reference.folder, day, version))

    assert run.files.read(uri) == of_pass


def test_personal_columns_take_no_part(run: Run) -> None:
    # it is a copy of the size, which would be an equality
    assert [one.words for one in ensure_reference(run).rows.relations] == ["start ≤ end"]
    assert "secret" not in ensure_reference(run).rows.contents


def test_reference_of_the_release_before_stays_in_force_until_it_is_renewed(
    archive: BaseArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store,
        archive.opened(store=store, workspace=str(tmp_path)) as run,
    ):
        with monkeypatch.context() as patched:
            patched.setattr(pinning, "_KEPT", 6)
            patched.setattr(pinning._fingerprint, "__defaults__", (6,))
            before = ensure_reference(run)
        assert ensure_reference(run).folder == before.folder
        renewed = renew_reference(run)
        assert renewed.folder != before.folder
        assert (renewed.schema, ensure_reference(run)) == (before.schema, renewed)

"""Days of a time zone, over a change of its clocks, from local folders to the store and the page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.records import PartitionState, Status
from airflow_mlmon.settings import read_settings
from tests.support.base_day import BaseArchive, day_table

BERLIN = "Europe/Berlin"
ZONED = ("start: 2026-03-01\n", f"start: 2026-03-01\nday_zone: {BERLIN}\n")
# half past every hour that a day of 23, 24 or 25 hours has
HALF_PAST = timedelta(minutes=30)


def local_day(day: date, zone: str = BERLIN) -> pa.Table:
    """A row at half past each hour of a local day, from the first to the last."""
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    following = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    hours = (following - midnight) // timedelta(hours=1)
    times = [midnight + timedelta(hours=n) + HALF_PAST for n in range(hours)]
    table = day_table(day, hours)
    return table.set_column(1, "at", pa.array(times, pa.timestamp("us", "UTC")))


@pytest.mark.guards("fault-21")
@pytest.mark.parametrize(
    ("days", "rows"),
    [
        pytest.param([date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)], [24, 23, 24], id="spring"),
        pytest.param([date(2026, 10, 24), date(2026, 10, 25), date(2026, 10, 26)], [24, 25, 24], id="autumn"),
    ],
)
def test_each_local_day_has_all_its_hours_and_no_other(tmp_path: Path, days: list[date], rows: list[int]):
    archive = BaseArchive(tmp_path, ZONED, ("start: 2026-03-01", f"start: {days[0]}"))
    for day in days:
        archive.write_day(day, local_day(day))
    states: list[PartitionState | None] = []
    with archive.opened() as run:
        for day in days:
            partition = run.partition(day)
            page = Path(run_partition(run, partition).report).read_text()
            states.append(run.store.state(partition))
        zone = run.store.day_zone("m")
        curated = read_curated(run, run.partition(days[1]), str(states[1] and states[1].version))

    assert [(state.status, state.rows_accepted) for state in states if state] == [(Status.OK, n) for n in rows]
    assert [state.partition for state in states if state] == [Partition.of_day("m", day, BERLIN) for day in days]
    assert curated.sort_by("id").equals(local_day(days[1]).select(curated.column_names).cast(curated.schema))
    assert zone == BERLIN
    assert f"the day in {BERLIN}, of {rows[-1]} hours" in page


def test_the_days_of_the_reference_are_days_of_the_zone_too(tmp_path: Path):
    archive = BaseArchive(tmp_path, ZONED)
    days = [date(2026, 2, 15) + timedelta(days=n) for n in range(14)]
    archive.write("reference/part-0.parquet", pa.concat_tables(map(local_day, days)))

    with archive.opened() as run:
        reference = ensure_reference(run)
        states = run.store.states("m", days[0], days[-1])

    assert reference.days == tuple(days)
    assert [state.rows_read for state in states] == [24] * 14


def test_the_zone_of_days_that_are_stored_cannot_be_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    archive = BaseArchive(tmp_path, ZONED)
    archive.write_day(date(2026, 3, 1), local_day(date(2026, 3, 1)))
    spec, store = tmp_path / "m.yaml", f"sqlite:///{tmp_path / 'store.db'}"
    spec.write_text(archive.spec_text)
    places = ["--store", store, "--workspace", str(tmp_path / "workspace")]
    main(["run", str(spec), "--partition", "2026-03-01", *places])
    first = capsys.readouterr()
    spec.write_text(archive.spec_text.replace(BERLIN, "Asia/Kolkata"))

    codes = [main(["check", str(spec), *places]), main(["run", str(spec), "--partition", "2026-03-02", *places])]
    told = capsys.readouterr().err
    settings = read_settings({"store": store, "workspace": str(tmp_path / "workspace")}.get, tmp_path, None)
    with pytest.raises(ConfigError) as caught, open_run(load_spec(spec), settings):
        pass

    assert BERLIN in first.out
    assert codes == [2, 2]
    assert told.count(f"{spec}:3: day_zone: The stored days of m are days of {BERLIN}, not of Asia/Kolkata.") == 2
    assert f"write `day_zone: {BERLIN}`" in str(caught.value)


def test_an_unknown_zone_is_refused_with_the_nearest_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """apache/arrow #36558: a zone that was not found was said late."""
    spec = tmp_path / "m.yaml"
    spec.write_text(BaseArchive(tmp_path, (ZONED[0], ZONED[1].replace("Berlin", "Berln"))).spec_text)

    assert main(["check", str(spec)]) == 2
    assert f"{spec}:3: day_zone: 'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?" in (
        capsys.readouterr().err
    )

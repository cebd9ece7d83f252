"""Wherever the rows of some days lie, each is accounted for: read = accepted + quarantined + handed over, once each."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.archive.curation.curate import TOO_LATE, required_columns
from airflow_mlmon.archive.curation.intake import take_in
from airflow_mlmon.archive.curation.manifest import Manifest
from airflow_mlmon.archive.curation.neighbours import divide_files, list_neighbours, select_rows
from airflow_mlmon.archive.curation.read import ListedSource
from airflow_mlmon.archive.layouts.layout import list_day
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.storage.local import LocalStore
from tests.support.base_day import FIRST, SPEC, day_table

FOLDERS = 4
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"])
# hours after the start of the folder's day, a few of them missing
HOURS = st.lists(st.none() | st.integers(-60, 84), max_size=6)
ARCHIVES = st.lists(st.lists(HOURS, min_size=1, max_size=2), min_size=FOLDERS, max_size=FOLDERS)


def spec_of(root: Path, zone: str, lateness: int) -> ModelSpec:
    text = SPEC.format(root=root).replace("  columns:\n", f"  lateness_days: {lateness}\n  columns:\n")
    return parse_spec(text.replace("start:", f"day_zone: {zone}\nstart:"), "m.yaml")


def write_archive(root: Path, archive: list[list[list[int | None]]], zone: str) -> dict[str, tuple[date, date | None]]:
    """Write the folders; the folder and the day of each id."""
    rows: dict[str, tuple[date, date | None]] = {}
    for number, files in enumerate(archive):
        folder = Partition.of_day("m", FIRST + timedelta(days=number), zone)
        for place, hours in enumerate(files):
            times = [None if hour is None else folder.start + timedelta(hours=hour) for hour in hours]
            ids = [f"{number}-{place}-{row}" for row in range(len(hours))]
            table = day_table(FIRST, len(hours)).set_column(0, "id", pa.array(ids, pa.string()))
            table = table.set_column(1, "at", pa.array(times, pa.timestamp("us", "UTC")))
            path = root / "preds" / f"dt={folder.key}" / f"part-{place}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path, row_group_size=2)
            for key, hour in zip(ids, hours, strict=True):
                rows[key] = folder.day, None if hour is None else folder.day + timedelta(days=day_shift(folder, hour))
    return rows


def day_shift(folder: Partition, hour: int) -> int:
    """How many days after the folder's own a row is; no clock changes on these days."""
    assert folder.hours == 24
    return hour // 24


def account_of(spec: ModelSpec, day: date, scratch: Path) -> tuple[Manifest, list[str], list[str], int]:
    """The manifest of a day, its accepted and its quarantined ids, and the number of listed objects."""
    partition, predictions, store = Partition.of_day("m", day, spec.day_zone), spec.predictions, LocalStore()
    listing = list_day(store, predictions, partition)
    neighbours = list_neighbours(store, predictions, partition, listing)
    source = ListedSource(
        store=store,
        files=(*listing.files, *neighbours),
        columns=predictions.columns,
        required=required_columns(spec, partition),
        selection=select_rows(store, predictions, spec.time_column, partition, listing),
    )
    folder = scratch / str(day)
    folder.mkdir()
    intake = take_in(source, spec, partition, hash_key=None, folder=folder)
    files, of_others = divide_files(intake.files)
    manifest = Manifest(
        partition=partition,
        files=files,
        rows_accepted=intake.accepted.rows.rows,
        quarantined=dict(intake.quarantined),
        passed_over=(*listing.passed_over, *of_others),
    )
    accepted, quarantine = (
        pq.read_table(spool.finish(), columns=["id"]).column(0).to_pylist()
        for spool in (intake.accepted.rows, intake.quarantine)
    )
    return manifest, accepted, quarantine, len(listing.files) + len(listing.passed_over) + len(neighbours)


@settings(max_examples=12)
@given(archive=ARCHIVES, zone=ZONES, lateness=st.integers(1, 2))
def test_every_row_is_accounted_for_once(archive, zone, lateness):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = write_archive(root, archive, zone)
        spec = spec_of(root, zone, lateness)
        # the days before and after the folders take in rows of them, too
        days = [FIRST + timedelta(days=n) for n in range(-4, FOLDERS + 4)]
        accounts = {day: account_of(spec, day, root) for day in days}

    accepted = Counter(key for _, ids, _, _ in accounts.values() for key in ids)
    quarantined = Counter(key for _, _, ids, _ in accounts.values() for key in ids)
    assert set((accepted + quarantined).values()) <= {1}
    assert set(accepted + quarantined) == set(rows)
    for day, (manifest, ids, _, listed) in accounts.items():
        own = sum(place == day for place, _ in rows.values())
        taken = sum(day != place and when == day for key, (place, when) in rows.items() if key in accepted)
        assert manifest.rows_read == own + taken
        assert listed == len(manifest.files) + len(manifest.passed_over)
        assert all(rows[key][1] == day for key in ids)
    handed = sum((Counter(manifest.rows_handed_over) for manifest, *_ in accounts.values()), Counter())
    moved = Counter(str(when) for key, (place, when) in rows.items() if key in accepted and when != place)
    assert handed == moved
    late = sum(manifest.quarantined.get(TOO_LATE, 0) for manifest, *_ in accounts.values())
    assert late == sum(when is not None and (place - when).days > lateness for place, when in rows.values())

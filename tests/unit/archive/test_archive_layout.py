"""Which objects belong to a day, what columns their paths give, and what beside them is no data."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from airflow_mlmon.archive.layouts.layout import Listing, list_below, list_dated, list_day
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.storage.local import LocalStore
from tests.support.base_day import SPEC

DAY = date(2026, 3, 1)


class Objects:
    """Objects in a folder, listed by the paths of a spec."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, *names: str, content: bytes = b"x", modified: datetime | None = None) -> None:
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if modified:
                os.utime(path, (modified.timestamp(), modified.timestamp()))

    def list(self, *paths: str, keys: str = "", day: date = DAY, zone: str = "UTC") -> Listing:
        named = "\n".join(f"  - {self.folder}/{path}" for path in paths)
        text = SPEC.format(root=self.folder).replace(
            f"  path: {self.folder}/preds/dt={{date}}/", f"  path:\n{named}", 1
        )
        text = text.replace("  columns:", f"{keys}  columns:\n    region: {{type: category}}")
        spec = parse_spec(text, "m.yaml")
        return list_day(LocalStore(), spec.predictions, Partition.of_day("m", day, zone))

    def names(self, *paths: str, **given: object) -> list[str]:
        return self.short(self.list(*paths, **given))

    def short(self, listing: Listing) -> list[str]:
        return [file.item.uri.removeprefix(f"{self.folder}/") for file in listing.files]

    def passed_over(self, listing: Listing) -> dict[str, str]:
        return {one.uri.removeprefix(f"{self.folder}/"): one.reason for one in listing.passed_over}


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path)


@pytest.mark.parametrize(
    ("path", "own", "other"),
    [
        ("p/dt={date}/", "p/dt=2026-03-01/a.parquet", "p/dt=2026-03-10/a.parquet"),
        ("p/dt={date}", "p/dt=2026-03-01/a.parquet", "p/dt=2026-03-01b/a.parquet"),
        ("p/dt={year}{month}{day}/", "p/dt=20260301/a.parquet", "p/dt=202631/a.parquet"),
        ("p/{year}/{month}/{day}/", "p/2026/3/1/a.parquet", "p/2026/3/10/a.parquet"),
        ("p/{year}/{month}/{day}/", "p/2026/03/1/a.parquet", "p/2026/03/11/a.parquet"),
        ("p/year={year}/month={month}/day={day}/", "p/year=2026/month=03/day=01/a", "p/year=2026/month=3/day=2/a"),
        ("p/{date}.parquet", "p/2026-03-01.parquet", "p/2026-03-01.parquet.old"),
        ("p/{date}", "p/2026-03-01", "p/2026-03-01.parquet"),
        ("p/x-{year}-{month}-{day}-*.csv", "p/x-2026-3-1-ab.csv", "p/x-2026-3-11.csv"),
        ("{date}/p/", "2026-03-01/p/a.parquet", "2026-03-01/q/a.parquet"),
        ("p/{region}/dt={date}/", "p/eu/dt=2026-03-01/a.parquet", "p/eu/dt=2026-03-02/a.parquet"),
        ("p/{date}/{region}/", "p/2026-03-01/eu/a.parquet", "p/2026-03-01/a.parquet"),
        ("p/{date}-{region}.csv", "p/2026-03-01-eu.csv", "p/2026-03-01.csv"),
        ("p/{year}/{month}/{day}/{hour}/", "p/2026/3/1/5/a.parquet", "p/2026/03/02/05/a.parquet"),
    ],
)
def test_the_objects_of_a_day_are_those_of_its_path(objects, path, own, other):
    objects.add(own, other)

    assert objects.names(path) == [own]


@pytest.mark.parametrize(
    ("path", "mistake"),
    [
        ("p/{year}/{month}/{hour}/", "predictions.path: the path must name the day"),
        ("p/{date}/{country_code}/", "predictions.path: unknown placeholder {country_code}; valid: {date} {year}"),
    ],
)
def test_a_path_that_names_no_day_or_no_column_is_refused(objects, path, mistake):
    with pytest.raises(ConfigError, match=mistake):
        objects.list(path)


def test_hours_of_a_day_are_listed_and_those_without_files_are_named(objects):
    objects.add(*(f"p/dt=2026-03-01/hour={hour:02d}/a.parquet" for hour in range(24) if hour not in {3, 17}))
    objects.add("p/dt=2026-03-02/hour=00/a.parquet")

    listing = objects.list("p/dt={date}/hour={hour}/")

    assert len(listing.files) == 22
    assert [folder.removeprefix(f"{objects.folder}/") for folder in listing.missing] == [
        "p/dt=2026-03-01/hour=03/",
        "p/dt=2026-03-01/hour=17/",
    ]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 3, 1), 24), (date(2026, 10, 25), 25)])
def test_the_day_of_a_zone_has_its_hours_in_utc(objects, day, hours):
    for number in range(3):
        near = date.fromordinal(day.toordinal() - 1 + number)
        objects.add(*(f"p/{near}/{hour:02d}/a" for hour in range(24)))

    found = objects.names("p/{date}/{hour}/", day=day, zone="Europe/Berlin")

    assert len(found) == hours
    start = Partition.of_day("m", day, "Europe/Berlin").start
    assert found[0] == f"p/{start:%Y-%m-%d}/{start:%H}/a"


def test_folders_of_utc_days_hold_the_day_of_a_zone_in_two(objects):
    objects.add("p/2026-02-28/a", "p/2026-03-01/a", "p/2026-03-02/a")

    assert objects.names("p/{date}/", zone="Europe/Berlin") == ["p/2026-03-01/a"]
    assert objects.names("p/{date}/", keys="  path_zone: UTC\n", zone="Europe/Berlin") == [
        "p/2026-02-28/a",
        "p/2026-03-01/a",
    ]


def test_several_paths_are_one_day(objects):
    objects.add("v1/2026-03-01/a", "v2/2026-03-01/a")

    assert objects.names("v2/{date}/", "v1/{date}/", "v1/{date}") == ["v1/2026-03-01/a", "v2/2026-03-01/a"]


def test_parts_of_the_path_are_values_of_declared_columns(objects):
    objects.add("p/a%2Fb/2026-03-01/score=9/a", "p/__HIVE_DEFAULT_PARTITION__/2026-03-01/other=x/a")

    files = objects.list("p/{region}/{date}/").files

    assert [dict(file.values) for file in files] == [{"region": None}, {"region": "a/b", "score": "9"}]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("_temporary/0/_temporary/attempt_1/part-1.parquet", "is below _temporary"),
        ("_delta_log/00000000000000000010.checkpoint.parquet", "is below _delta_log"),
        (".spark-staging-1/a.parquet", "is below .spark-staging-1"),
        (".ipynb_checkpoints/x-checkpoint.csv", "is below .ipynb_checkpoints"),
        ("_SUCCESS", "is hidden or a marker"),
        ("_committed_1", "is hidden or a marker"),
        (".part-0.parquet.crc", "is hidden or a marker"),
        ("hour=00_$folder$", "is a folder"),
        *(
            (name, "is no file of data by its name")
            for name in (
                "manifest",
                "unload_manifest",
                "manifest.json",
                "0b1c-manifest.csv",
                "part-0.parquet.md5",
                "part-0.parquet.crc",
                "README.txt",
                "README",
                "data.csv.metadata",
                "part-0.parquet.tmp",
                "part-0.parquet._COPYING_",
                "part-0-0.inprogress.7c2e",
                "2026-03-01.done",
                "done",
                "v1.metadata.json",
            )
        ),
    ],
)
def test_what_is_no_data_is_passed_over_with_a_reason(objects, name, reason):
    objects.add("p/2026-03-01/part-0.parquet", f"p/2026-03-01/{name}")

    listing = objects.list("p/{date}/")

    assert objects.short(listing) == ["p/2026-03-01/part-0.parquet"]
    assert objects.passed_over(listing) == {f"p/2026-03-01/{name}": reason}


@pytest.mark.parametrize(
    "name",
    ["000000_0", "2026.parq", "PART-0.PARQUET", "part-0.snappy", "b7e1c2d4", "model.1.log", "x.csv.out", "_v=1/part-0"],
)
def test_any_other_name_may_be_data(objects, name):
    objects.add(f"p/2026-03-01/{name}")

    assert objects.names("p/{date}/") == [f"p/2026-03-01/{name}"]


def test_an_empty_object_is_data_if_its_name_says_so(objects):
    objects.add("p/2026-03-01/part-1.parquet", "p/2026-03-01/b.csv.gz", "p/2026-03-01/000000_0", content=b"")

    listing = objects.list("p/{date}/")

    assert objects.short(listing) == ["p/2026-03-01/b.csv.gz", "p/2026-03-01/part-1.parquet"]
    assert objects.passed_over(listing) == {"p/2026-03-01/000000_0": "is empty"}


def test_include_and_exclude_choose_among_the_files_below_the_folder(objects):
    objects.add(*(f"p/2026-03-01/{name}" for name in ("a.parquet", "v1/b.parquet", "v1/c.csv", "old/d.parquet")))

    listing = objects.list("p/{date}/", keys='  include: "*.parquet"\n  exclude: [old/**]\n')

    assert objects.short(listing) == ["p/2026-03-01/a.parquet", "p/2026-03-01/v1/b.parquet"]
    assert objects.passed_over(listing) == {
        "p/2026-03-01/old/d.parquet": "is excluded",
        "p/2026-03-01/v1/c.csv": "is not included",
    }


def test_keys_without_a_date_belong_to_the_day_on_which_they_were_written(objects):
    for day, hour in ((1, 5), (1, 23), (2, 1), (2, 7)):
        objects.add(f"p/{day}-{hour}", modified=datetime(2026, 3, day, hour, tzinfo=UTC))
    keys = "  dates: modified\n"

    days = [date(2026, 2, 28), DAY, date(2026, 3, 2)]
    by_day = [objects.names("p/", keys=keys, day=day) for day in days]
    shifted = [objects.names("p/", keys=f"{keys}  written_within_hours: 6\n", day=day) for day in days]

    assert by_day == [[], ["p/1-23", "p/1-5"], ["p/2-1", "p/2-7"]]
    assert [objects.list("p/", keys=keys, day=day).untimely for day in days] == [4, 2, 2]
    assert shifted == [["p/1-5"], ["p/1-23", "p/2-1"], ["p/2-7"]]


def test_keys_without_a_date_may_hold_rows_of_the_days_around_their_last_write(objects):
    for day, hour in ((1, 5), (1, 23), (2, 1), (2, 7)):
        objects.add(f"p/{day}-{hour}", modified=datetime(2026, 3, day, hour, tzinfo=UTC))

    names = [
        objects.names("p/", keys="  dates: event\n  written_within_hours: 2\n", day=date(2026, 3, day))
        for day in (1, 2)
    ]

    assert names == [["p/1-23", "p/1-5", "p/2-1"], ["p/1-23", "p/2-1", "p/2-7"]]


def test_a_reference_is_a_folder_or_one_file_and_braces_in_its_path_are_braces(objects):
    objects.add("ref{x}/train.parquet", "ref{x}/_SUCCESS", "ref{x}-old/a.parquet", "whole", "whole.csv")

    def below(path: str) -> list[str]:
        return objects.short(list_below(LocalStore(), f"{objects.folder}/{path}"))

    assert below("ref{x}") == below("ref{x}/train.parquet") == below("ref*/tr*") == ["ref{x}/train.parquet"]
    assert below("whole") == ["whole"]
    assert below("whole/") == []


def test_labels_are_listed_by_the_placeholders_of_their_path(objects):
    objects.add("l/2026-03-01.csv", "l/2026-03-02.csv")

    listing = list_dated(LocalStore(), f"{objects.folder}/l/{{date}}.csv", Partition.of_day("m", DAY))

    assert objects.short(listing) == ["l/2026-03-01.csv"]
    assert listing.folders == (f"{objects.folder}/l/2026-03-01.csv",)

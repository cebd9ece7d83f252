"""Days in the paths of a sample, and the path of the spec that they give."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_mlmon.archive.layouts.dates import find_day, find_layout

FIREHOSE = [f"preds/2026/03/0{day}/05/fraud-1-2026-03-0{day}-05-02-32-ab{day}.parquet" for day in (3, 1, 2)]


@pytest.mark.parametrize(
    ("files", "path", "root"),
    [
        (FIREHOSE, "preds/{year}/{month}/{day}/", "preds"),
        (
            [f"preds/2026/03/01/{hour:02d}/x.parquet" for hour in range(24)],
            "preds/{year}/{month}/{day}/{hour}/",
            "preds",
        ),
        (
            [f"p/dt=2026-03-01/hour={hour}/x.parquet" for hour in range(20)],
            "p/dt={date}/hour={hour}/",
            "p",
        ),
        ([f"p/2026-03-01/{shard}/x" for shard in range(40)], "p/{date}/", "p"),
        (["p/dt=20260301/a.parquet"], "p/dt={year}{month}{day}/", "p"),
        (["p/dt=20260301/a-2026-03-02.parquet"], "p/dt={year}{month}{day}/", "p"),
        (["year=2026/month=3/day=1/a"], "year={year}/month={month}/day={day}/", ""),
        (["p/2026-03-01.parquet", "p/2026-03-02.parquet"], "p/{date}.parquet", "p"),
        (["p/x_2026_03_01.csv.gz", "p/x_2026_03_02.csv.gz"], "p/x_{year}_{month}_{day}.csv.gz", "p"),
        (["p/2026-03-01-ab12.parquet"], "p/{date}*.parquet", "p"),
        (["p/2026-03-01_v1.csv", "p/2026-03-02_v1.csv"], "p/{date}_v1.csv", "p"),
        (["p/2026-03-01/preds/a", "p/2026-03-02/preds/b"], "p/{date}/preds/", "p"),
        (["p/dt=2026-03-01/model_version=v1/a"], "p/dt={date}/", "p"),
        (["eu/dt=2026-03-01/a", "us/dt=2026-03-01/a"], "*/dt={date}/", ""),
        (["v=2025-01-01/2026-03-01/a", "v=2025-01-01/2026-03-02/a"], "v=2025-01-01/{date}/", "v=2025-01-01"),
        (["p/2026/03/01.parquet", "p/2026/03/02.parquet"], "p/{year}/{month}/{day}.parquet", "p"),
        (["p/2026/03/2026-03-01.csv", "p/2026/03/2026-03-02.csv"], "p/{year}/{month}/{date}.csv", "p"),
        (["p/2026-03/x_20260301.csv", "p/2026-04/x_20260401.csv"], "p/{year}-{month}/x_{year}{month}{day}.csv", "p"),
        (["p/y=2026/m=3/dt=2026-03-01/a"], "p/y={year}/m={month}/dt={date}/", "p"),
        (["p/2026-03-01T05/a"], "p/{date}*/", "p"),
        (["p/dt=2026-03-01-final/a"], "p/dt={date}-final/", "p"),
        (["p/dt=2026-03-01/hr=05/a"], "p/dt={date}/", "p"),
        (["s3://b/2026/3/1/a.parquet"], "s3://b/{year}/{month}/{day}/", "s3://b"),
    ],
)
def test_the_layout_of_a_sample_is_found_in_its_paths(files, path, root):
    found = find_layout(files)

    assert (found.path, found.root, found.first) == (path, root, date(2026, 3, 1))


@pytest.mark.parametrize("path", ["p/all.parquet", "p/2026-13-01/a", "p/20261301/a", "p/id-120260301/a", "p/9/9/9/a"])
def test_what_is_no_day_is_none(path):
    assert find_day(path) is None
    assert find_layout([path]) is None

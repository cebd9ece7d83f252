"""Measures whole days against the goals: `make bench-day`.

With ARGS="--only day_cpu_s_5000" some of them. Days have 20 columns and lie in a folder; labels come a day later.

    day_ratio_10m        CPU seconds of a run of 10,000,000 rows, checks, labels of as many rows, page and imports in,
                         over those of pyarrow's decoding and encoding of its predictions (`large`)
    day_peak_mb_1m       MiB; peak memory of the process that runs 1,000,000 rows with as many labels (`large`)
    day_peak_mb_10m      MiB; the same of 10,000,000 rows (`large`)
    day_peak_mb_30m      MiB; the same of 30,000,000 rows (`large`)
    day_checks_share     share of the checks in a run of 3,000,000 rows (`large`)
    day_cpu_s_5000       CPU seconds of a day of 5,000 rows within a warm process (`small`)
    day_cold_s_5000      seconds of `mlmon run` of 5,000 rows as a fresh process (`small`)
    labels_1m_s          seconds in which a delivery of 1,000,000 labels is received and the performance of the seven
                         days of 1,000,000 rows that they belong to is measured (`labels`)
    year_s               seconds in which 365 days of 5,000 rows are run in one process, with labels, pages and alerts
                         (`year`)
    year_growth          CPU seconds of the last ten of these days over those of the first ten (`year`)
    wide_1000_s          seconds of a day of 100,000 rows and 1,000 columns within a warm process (`wide`)
    wide_1000_page_kib   KiB of its page (`wide`)
    times_evidently_ge   ratio of CPU seconds of whole processes, imports and reading included: one script with
                         evidently's DataDriftPreset, Great Expectations on pandas and scikit-learn's metrics, over a
                         run of the same 1,000,000 rows with as many labels (`against`)
    times_polars         ratio of the same: the run, over a script of polars with nulls, PSI and AUC (`against`)
    tracing_share        share of the CPU seconds of a day of 5,000 rows, its workspace on S3, that its spans add, with
                         their sending (`traced`)
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.day import against, labels, large, small, traced, wide, year
from tests.benchmarks.measured import Key, measure_keys

KEYS: Mapping[str, Key] = {
    "day_ratio_10m": Key("<= 2", large.ratio_10m),
    "day_peak_mb_1m": Key("<= 800", large.peak_1m),
    "day_peak_mb_10m": Key("<= 800", large.peak_10m),
    "day_peak_mb_30m": Key("<= 800", large.peak_30m),
    "day_checks_share": Key("<= 0.15", large.checks_share),
    "day_cpu_s_5000": Key("<= 0.25", small.cpu_5000),
    "day_cold_s_5000": Key("<= 4", small.cold_5000),
    "labels_1m_s": Key("<= 3", labels.labels_1m),
    "year_s": Key("<= 150", year.year),
    "year_growth": Key("<= 1.3", year.growth),
    "wide_1000_s": Key("<= 20", wide.seconds),
    "wide_1000_page_kib": Key("<= 500", wide.page_kib),
    "times_evidently_ge": Key(">= 30", against.times_evidently_ge),
    "times_polars": Key("<= 3", against.times_polars),
    "tracing_share": Key("<= 0.03", traced.tracing_share),
}


if __name__ == "__main__":
    measure_keys("day", (__doc__ or "").splitlines()[0], KEYS)

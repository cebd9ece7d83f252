"""Measures the intake of large days against the goals: `make bench-intake`.

With ARGS="--only intake_10m_mb" some of them.

    intake_ratio_parquet ratio of whole stages that take turns, the median of 3: 10,000,000 rows of 20 columns in ten
                         Parquet files of an S3 server on this machine, to the curated partition, the quarantine, the
                         sample and the profile in a local workspace, over pyarrow's reading of the same files from the
                         disk and writing of all rows as the curated partition is written; imports apart (`parquet`)
    intake_10m_mb        MiB; peak memory of the process that prepares these rows (`parquet`)
    intake_30m_mb        MiB; that of 30,000,000 rows (`parquet`)
    small_file_ms        CPU milliseconds a file of 2,000 Parquet files of ten rows and 20 columns (`small_files`)
    jsonl_ratio          ratio; our reader of 1,000,000 JSON lines of ten columns over pyarrow's own (`texts`)
    csv_ratio            ratio; the same for CSV, over pyarrow's own with types declared (`texts`)
    sagemaker_rows_per_s rows of captured SageMaker requests that become rows of the spec in a second (`envelopes`)
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.intake import envelopes, parquet, small_files, texts
from tests.benchmarks.measured import Key, measure_keys

KEYS: Mapping[str, Key] = {
    "intake_ratio_parquet": Key("<= 1.5", parquet.ratio),
    "intake_10m_mb": Key("<= 800", parquet.peak_10m),
    "intake_30m_mb": Key("<= 800", parquet.peak_30m),
    "small_file_ms": Key("<= 2", small_files.measure),
    "jsonl_ratio": Key("<= 2", texts.measure_jsonl),
    "csv_ratio": Key("<= 2", texts.measure_csv),
    "sagemaker_rows_per_s": Key("", envelopes.measure_sagemaker),
}


if __name__ == "__main__":
    measure_keys("intake", (__doc__ or "").splitlines()[0], KEYS)

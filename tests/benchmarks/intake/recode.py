"""Decodes the files of a day with pyarrow and encodes them as the curated partition is: `python -m … OUT FILE…`."""

from __future__ import annotations

import json
import sys
import time

import pyarrow.parquet as pq


def main(out: str, files: list[str]) -> None:
    """Read and write file by file, in all threads that pyarrow takes."""
    before, cpu = time.perf_counter(), time.process_time()
    with pq.ParquetWriter(out, pq.read_schema(files[0]), compression="zstd", write_page_checksum=True) as writer:
        for file in files:
            writer.write_table(pq.read_table(file), row_group_size=1 << 17)
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - before, "cpu_s": time.process_time() - cpu}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

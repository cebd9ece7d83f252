"""Archives of the examples, in a folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from include.demo.archive import write_folder


def test_a_folder_holds_the_objects_by_their_keys(tmp_path: Path):
    def content(served, last):
        yield f"flights/predictions/dt={last}/part-0.parquet", b"rows"
        yield f"flights/predictions/dt={last}/_SUCCESS", b""

    assert write_folder(tmp_path, date(2013, 3, 1), date(2013, 3, 1), content) == 2
    assert (tmp_path / "flights/predictions/dt=2013-03-01/part-0.parquet").read_bytes() == b"rows"

"""Reader of ORC, in a process of its own: Arrow's ends on some damaged files, and its process with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.tables.damage import naming_damage
from airflow_mlmon.tables.piece import Piece, slice_rows
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.shape import Shape

# without any module of this package, which would take longer to import than most files to read
_CONVERT = """\
import json, sys
import pyarrow as pa
import pyarrow.orc

source, schema, target, asked = sys.argv[1:]
asked = json.loads(asked)
file = pyarrow.orc.ORCFile(source)
names = [
    name
    for name in file.schema.names
    if asked is None or name in asked or any(column.startswith(name + ".") for column in asked)
]
with pa.OSFile(schema, "wb") as sink:
    pa.ipc.new_stream(sink, file.schema).close()
rows = 0
with pa.OSFile(target, "wb") as sink:
    with pa.ipc.new_stream(sink, pa.schema([file.schema.field(name) for name in names])) as writer:
        for number in range(file.nstripes if names else 0):
            stripe = file.read_stripe(number, columns=names).select(names)
            rows += stripe.num_rows
            writer.write_batch(stripe)
if names and rows != file.nrows:
    sys.exit("its stripes hold %d of its %d rows" % (rows, file.nrows))
print(file.nrows)
"""


def read_orc(path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
    """Read the rows of an ORC file.

    Raises:
        UnreadableFileError: it is damaged, or is not an ORC file.
    """
    asked = None if reading.columns is None else sorted(reading.columns)
    with scratch_folder() as folder, naming_damage(origin, "ORC"):
        schema, target = folder / "schema.arrow", folder / "rows.arrow"
        rows = _convert(path, schema, target, asked)
        with pa.OSFile(str(schema)) as source:
            shape = Shape(origin, pa.ipc.open_stream(source).schema, reading)
        yield shape.head()
        if not shape.wanted:
            yield from shape.rows_alone(rows)
            return
        with pa.OSFile(str(target)) as source:
            for batch in pa.ipc.open_stream(source):
                for part in slice_rows(pa.Table.from_batches([batch])):
                    yield shape.piece(part)


def _convert(path: Path, schema: Path, target: Path, asked: list[str] | None) -> int:
    """Convert columns of an ORC file, all if None, to a stream of Arrow; return the rows of the file."""
    command = [sys.executable, "-c", _CONVERT, str(path), str(schema), str(target), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ValueError(said[-1] if said and done.returncode > 0 else "it ends the process that reads it")
    return int(done.stdout)

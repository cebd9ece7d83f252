"""Envelopes by name: reading of a file of records, and unpacking of the records of all files to flat rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from airflow_mlmon.archive.envelopes.bentoml import BentomlEnvelope
from airflow_mlmon.archive.envelopes.exchange import EnvelopeNames, unpack_exchanges
from airflow_mlmon.archive.envelopes.fields import add_sampling, to_fields
from airflow_mlmon.archive.envelopes.opening import open_json, read_table
from airflow_mlmon.archive.envelopes.pairing import Pairing
from airflow_mlmon.archive.envelopes.records import read_json
from airflow_mlmon.archive.envelopes.reserved import COUNTERPART, FILE, REASON, SAMPLING
from airflow_mlmon.archive.envelopes.sides import Side, Slot, inputs_of, outputs_of
from airflow_mlmon.archive.envelopes.split import join_small_pieces, split_by_file
from airflow_mlmon.archive.envelopes.systems import GROUND_TRUTH, SYSTEMS, System
from airflow_mlmon.spec import Labels, Role
from airflow_mlmon.spec.archives import Predictions
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading

_BENTOML = "bentoml"
_EXCHANGES = 1 << 14

Pieces = Iterable[tuple[int, Piece]]


class Envelope(Protocol):
    """Records of a serving system, and the rows in them."""

    def read(self, path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
        """Read the records of one file.

        Raises:
            DataError: the file is damaged.
        """
        ...

    def rows(self, pieces: Pieces, modified: Sequence[datetime | None]) -> Iterator[tuple[int, Piece]]:
        """Unpack the records of all files to rows with the columns of the spec, as texts.

        A request that is refused is one row with its id and time, and the reason in the column REASON.

        Args:
            pieces: Records, with the number of their file.
            modified: Time of the last write of each file, for records without a time.
        """
        ...


def open_envelope(predictions: Predictions) -> Envelope | None:
    """Return the envelope of the predictions; None if each record is a row."""
    if predictions.log is None:
        return None
    id_column, time_column = (
        next(name for name, column in predictions.columns.items() if column.role is role)
        for role in (Role.ID, Role.TIME)
    )
    if predictions.log == _BENTOML:
        return BentomlEnvelope(predictions.columns, id_column, time_column, predictions.sampling)
    system = SYSTEMS[predictions.log]
    own = {name: name for name in predictions.columns if name in system.own}
    # request and response are joined by what the system names for it
    chosen = {} if system.is_paired else {"id": id_column, "time": time_column}
    return ExchangeEnvelope(
        system=system,
        names=EnvelopeNames(
            id_column, time_column, {name: name for name in own if name not in (id_column, time_column)}
        ),
        inputs=inputs_of(predictions.columns, system, predictions.null),
        outputs=outputs_of(predictions.columns, predictions.null),
        chosen={key: name for key, name in chosen.items() if name in system.fields[key]},
        sampling=predictions.sampling,
    )


def open_label_envelope(labels: Labels) -> Envelope | None:
    """Return the envelope of the labels; None if each record is a row."""
    if labels.log is None or not isinstance(labels.id, str):
        return None
    label = Side((Slot(labels.label, 1, is_vector=False),))
    return ExchangeEnvelope(
        system=GROUND_TRUTH, names=EnvelopeNames(labels.id, None, {}), inputs=label, outputs=Side(())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEnvelope:
    """Requests with their responses, in one record or in two.

    Attributes:
        system: Description of the records.
        names: Columns that the envelope itself fills.
        inputs: Columns that a request fills.
        outputs: Columns that a response fills.
        chosen: Path of a field that the spec names.
        sampling: Fraction of the requests that is logged, where the records do not say it.
    """

    system: System
    names: EnvelopeNames
    inputs: Side
    outputs: Side
    chosen: Mapping[str, str] = field(default_factory=dict)
    sampling: float | None = None

    def read(self, path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
        """Read the records of one file: JSON, or any other format as a table.

        Raises:
            DataError: the file is damaged.
        """
        blocks = open_json(path, origin, reading)
        if blocks is None:
            yield from read_table(path, origin, reading)
            return
        paths = {path for paths in self.system.fields.values() for path in paths} | set(self.names.own.values())
        yield from read_json(blocks, origin, sorted(paths), is_nested=self.system.is_nested)

    def rows(self, pieces: Pieces, modified: Sequence[datetime | None]) -> Iterator[tuple[int, Piece]]:
        """Unpack the records of all files to rows."""
        origins: dict[int, str] = {}
        with Pairing() as pairing:
            for records in join_small_pieces(pieces, origins):
                fields = to_fields(records, self.system, self.names.own, self.chosen, modified, origins=origins)
                if self.system.is_paired:
                    pairing.add(fields)
                else:
                    yield from self._unpack(
                        fields.append_column(REASON, pa.nulls(fields.num_rows, pa.string())), origins
                    )
            for exchanges in pairing.pairs():
                yield from self._unpack(exchanges, origins)

    def _unpack(self, exchanges: pa.Table, origins: Mapping[int, str]) -> Iterator[tuple[int, Piece]]:
        own = {name: f"own_{name}" for name in self.names.own} | {FILE: FILE}
        if self.system.is_paired:
            own[COUNTERPART] = COUNTERPART
        if SAMPLING in self.system.fields:
            own[SAMPLING] = SAMPLING
        names = self.names._replace(own=own)
        for start in range(0, exchanges.num_rows, _EXCHANGES):
            for table in unpack_exchanges(exchanges.slice(start, _EXCHANGES), names, self.inputs, self.outputs):
                for number, rows in split_by_file(add_sampling(table, self.sampling)):
                    yield number, Piece(origin=origins[number], table=rows, is_text=True)

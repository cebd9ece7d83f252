"""Reading of listed files in batches of declared columns, with an account of every file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Generator, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.ahead import read_ahead
from airflow_mlmon.archive.curation.capture_account import values_of
from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.curation.neighbours import Selection
from airflow_mlmon.archive.curation.personal import Hashing
from airflow_mlmon.archive.envelopes.envelope import Envelope
from airflow_mlmon.archive.envelopes.fields import count_unsampled
from airflow_mlmon.archive.envelopes.reserved import COUNTERPART, REASON, SAMPLING
from airflow_mlmon.archive.layouts.layout import ListedFile
from airflow_mlmon.capture.marks import METADATA_KEY, Marks, Protection, read_marks
from airflow_mlmon.errors import DataError, NotFoundError, PartitionConflictError, UnreadableFileError
from airflow_mlmon.spec import Column
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.tables.damage import refuse_file
from airflow_mlmon.tables.files import read_path
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.schema import Fault, arrow_schema, conform, undeclared


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSource:
    """Listed files, and how their rows are read.

    Attributes:
        store: Object store of the files.
        files: The files.
        columns: The declared columns.
        timezone: Zone of times without one.
        optional: Columns that a file may lack.
        required: Columns without whose value a row is quarantined; their faults are counted with these rows.
        elsewhere: Further columns that are read for another purpose: declared, but not here.
        selection: Rows of the day, where they lie in the files of other days too; all rows without it.
        reading: Settings of the readers.
        envelope: Envelope of the rows; None if each record is a row.
        hashing: What hashes personal columns, where their file does not have them hashed already.
    """

    store: ObjectStore
    files: Sequence[ListedFile]
    columns: Mapping[str, Column]
    timezone: str | None = None
    optional: Collection[str] = ()
    required: Collection[str] = ()
    elsewhere: Collection[str] = ()
    selection: Selection | None = None
    reading: Reading = field(default_factory=Reading)
    envelope: Envelope | None = None
    hashing: Hashing = field(default_factory=Hashing)

    def is_neighbour(self, number: int) -> bool:
        """Return whether a file is one of a neighbouring day."""
        return self.selection is not None and number >= self.selection.own


class Batch(NamedTuple):
    """Rows of one file in the declared columns.

    Attributes:
        file: Position of the file in the listing.
        table: The rows.
        faults: Values that could not be read; null in the table.
        refused: Reasons for which the envelope refuses rows, null for the others; None if it refuses none.
        counterparts: Files of the responses to the rows' requests; None where these are one record.
        dropped: Columns that capture has dropped; none of their values is missing.
    """

    file: int
    table: pa.Table
    faults: tuple[Fault, ...] = ()
    refused: pa.ChunkedArray | None = None
    counterparts: pa.ChunkedArray | None = None
    dropped: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Account:
    """Account of a file while it is read; `given` are its records that were handed on.

    `unsampled` are the rows that its rows stand for, where only a fraction of the requests is logged. Of a neighbouring
    day's file `neighbour` selects the rows, of which there are `selected`. `marks` are those of a captured file.
    """

    listed: ListedFile
    neighbour: Selection | None = None
    sha256: str = ""
    rows: int | None = None
    problem: str = ""
    undeclared: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    handed_over: Counter[str] = field(default_factory=Counter)
    unsampled: float | None = None
    notes: set[str] = field(default_factory=set)
    given: int = 0
    selected: int = 0
    is_joined: bool = False
    marks: Marks | None = None

    @property
    def dropped(self) -> frozenset[str]:
        """Columns that capture has dropped."""
        protected = self.marks.protected if self.marks else {}
        return frozenset(name for name, done in protected.items() if done is Protection.DROPPED)

    @property
    def refused(self) -> Counter[str]:
        """Values that capture could not keep, by column and reason."""
        return values_of(self.marks.refused if self.marks and self.neighbour is None else {})

    @property
    def is_spoiled(self) -> bool:
        """Whether rows were handed on before the file was found to be damaged."""
        return bool(self.problem) and self.given > 0

    def close(self) -> SourceFile:
        """Return the final account; the faults of a refused file do not count."""
        item, marks, is_used = self.listed.item, self.marks, not (self.problem or self.neighbour)
        unsampled = self.unsampled if marks is None else (self.rows or 0) / marks.sampled
        return SourceFile(
            uri=item.uri,
            size=item.size,
            sha256=self.sha256,
            rows=self.rows if self.neighbour is None else self.selected,
            problem=self.problem,
            undeclared=tuple(sorted(self.undeclared)),
            unsampled=unsampled if is_used else None,
            capture=asdict(marks) if marks else None,
            faults={} if self.problem else dict(self.faults + self.refused),
            is_joined=self.is_joined,
            is_neighbour=self.neighbour is not None,
            handed_over={} if self.problem else dict(self.handed_over),
            notes=() if self.problem else tuple(sorted(self.notes)),
        )


class Reader:
    """Reader of the files of a source, one after the other; `filled` are the columns of which it has met a value."""

    def __init__(self, source: ListedSource) -> None:
        self.accounts = [
            Account(listed=listed, neighbour=source.selection if source.is_neighbour(number) else None)
            for number, listed in enumerate(source.files)
        ]
        self.filled: set[str] = set()
        self._source = source
        self._schema = arrow_schema(source.hashing.as_texts(source.columns))
        self._heads: set[Hashable] = set()

    def batches(self) -> Generator[Batch]:
        """Yield the rows of all files that can be read, each beginning with a batch of no rows.

        A file that is found to be damaged ends where it is; its account tells whether rows of it were yielded before.
        Reading again, after `restart`, passes over it.

        Raises:
            PartitionConflictError: a file changed or was deleted after it was listed.
        """
        yield Batch(-1, self._schema.empty_table())
        envelope = self._source.envelope
        for number, piece in self._new_records() if envelope is None else self._unpack(envelope):
            batch = self._conform(number, piece)
            own = set(batch.table.column_names) - self.filled
            self.filled.update(name for name in own if _has_value(batch.table.column(name)))
            yield batch

    def restart(self) -> bool:
        """Return whether the files must be read again, because rows of a damaged one were yielded."""
        if not any(account.is_spoiled for account in self.accounts):
            return False
        self.filled.clear()
        self._heads.clear()
        for account in self.accounts:
            account.given = account.selected = 0
            account.is_joined = False
            account.faults.clear()
            account.handed_over.clear()
            account.notes.clear()
            account.undeclared.clear()
            account.unsampled = None
        return True

    def files(self) -> tuple[SourceFile, ...]:
        """Return the accounts of all files."""
        return tuple(account.close() for account in self.accounts)

    def _new_records(self) -> Generator[tuple[int, Piece]]:
        """Yield the records without the heads of files whose columns are those of a file before, which say nothing."""
        for number, piece in self._records():
            if not piece.rows:
                self._account_for_columns(number, piece.table, piece.repeated)
                head = (piece.table.schema, piece.repeated, piece.is_text)
                if head in self._heads:
                    continue
                self._heads.add(head)
            yield number, piece

    def _records(self) -> Generator[tuple[int, Piece]]:
        for number, account in enumerate(self.accounts):
            if not account.problem:
                for piece in self._read(account):
                    account.given += piece.rows
                    yield number, piece

    def _unpack(self, envelope: Envelope) -> Generator[tuple[int, Piece]]:
        """Unpack the records to rows; a file has as many as come out of it."""
        rows: Counter[int] = Counter()
        modified = [account.listed.item.modified for account in self.accounts]
        for number, piece in envelope.rows(self._records(), modified):
            rows[number] += piece.rows
            yield number, piece
        for number, account in enumerate(self.accounts):
            account.rows = None if account.problem else rows[number]

    def _read(self, account: Account) -> Iterator[Piece]:
        item = account.listed.item
        account.rows = None
        try:
            with self._source.store.local_copy(item.uri, etag=item.etag) as path:
                with path.open("rb") as content:
                    account.sha256 = hashlib.file_digest(content, "sha256").hexdigest()
                if path.stat().st_size != item.size:
                    account.problem = f"only {path.stat().st_size} of {item.size} listed bytes could be read"
                    return
                if account.neighbour and self._source.envelope is None and account.neighbour.is_apart(path):
                    return
                rows = 0
                if account.listed.marks is not None:
                    self._mark(account, self._source.store.read(account.listed.marks))
                for piece in self._parse(path, item.uri):
                    if METADATA_KEY in piece.metadata:
                        self._mark(account, piece.metadata[METADATA_KEY])
                    rows += piece.rows
                    yield piece
                account.rows = rows
        except NotFoundError as error:
            raise PartitionConflictError(
                f"{item.uri} was deleted after it was listed.", hint="rerun the partition"
            ) from error
        except UnreadableFileError as error:
            account.problem = error.problem
        except DataError as error:
            account.problem = error.message

    def _mark(self, account: Account, text: bytes) -> None:
        """Read what capture says of a file, before any row of it is read.

        Raises:
            UnreadableFileError: it cannot be read, or other hashes than ours are in the file.
        """
        try:
            account.marks = read_marks(text)
        except ValueError as error:
            raise refuse_file(account.listed.item.uri, f"has marks of capture that cannot be read: {error}") from error
        if problem := self._source.hashing.explain_other_key(account.marks):
            raise refuse_file(account.listed.item.uri, problem)
        account.notes.update(self._source.hashing.explain_other_spec(account.marks, self._source.columns))

    def _parse(self, path: Path, origin: str) -> Iterator[Piece]:
        if self._source.envelope is None:
            return read_path(path, origin, self._source.reading)
        return self._source.envelope.read(path, origin, self._source.reading)

    def _conform(self, number: int, piece: Piece) -> Batch:
        source, account, dropped = self._source, self.accounts[number], self.accounts[number].dropped
        table, refused, counterparts = piece.table, None, None
        if source.envelope is not None:
            table, counterparts = _pop(table, COUNTERPART)
            table, refused = _pop(table, REASON)
            if SAMPLING in table.column_names:
                account.unsampled = (account.unsampled or 0.0) + count_unsampled(table)
                table = table if SAMPLING in source.columns else table.drop_columns([SAMPLING])
        self._account_for_columns(number, table, piece.repeated)
        found = conform(
            table,
            source.hashing.as_texts(source.columns, account.marks) if account.marks else source.columns,
            timezone=source.timezone,
            optional=dropped.union(source.optional) if dropped else source.optional,
            is_text=piece.is_text,
            repeated=piece.repeated,
            beside=account.undeclared,
            values=account.listed.values,
        )
        rows = source.hashing.hash_table(found.table, account.marks)
        batch = self._fit(self._select(Batch(number, rows, found.faults, refused, counterparts, dropped)))
        is_row = True if batch.refused is None else pc.is_null(batch.refused).to_numpy()
        for fault in batch.faults:
            if fault.column not in source.required and (count := int((fault.rows & is_row).sum())):
                account.faults[fault.reason] += count
        account.notes.update(found.notes)
        account.selected += batch.table.num_rows
        for joined in [] if batch.counterparts is None else pc.unique(batch.counterparts.drop_null()).to_pylist():
            self.accounts[joined].is_joined = True
        return batch

    def _account_for_columns(self, number: int, table: pa.Table, repeated: Collection[str]) -> None:
        columns = self._source.columns
        others = {*undeclared(table, columns), *set(repeated).difference(columns)}
        self.accounts[number].undeclared.update(others.difference(self._source.elsewhere))

    def _select(self, batch: Batch) -> Batch:
        """Leave out the rows of other days, and count those that are handed over."""
        selection = self._source.selection
        if selection is None:
            return batch
        others = selection.find_others(batch.file, batch.table)
        if not others.any():
            return batch
        counts = selection.count_days(batch.file, batch.table.filter(pa.array(others)))
        self.accounts[batch.file].handed_over.update(counts)
        kept = pa.array(~others)
        return batch._replace(
            table=batch.table.filter(kept),
            faults=tuple(fault._replace(rows=fault.rows[~others]) for fault in batch.faults),
            refused=None if batch.refused is None else batch.refused.filter(kept),
            counterparts=None if batch.counterparts is None else batch.counterparts.filter(kept),
        )

    def _fit(self, batch: Batch) -> Batch:
        """Empty the columns whose type does not go with that of the rows before: decimals of too many digits."""
        table, faults, known = batch.table, list(batch.faults), self._schema
        if table.schema.equals(known):
            return batch
        for number, (own, other) in enumerate(zip(table.schema, known, strict=True)):
            try:
                common = pa.unify_schemas([pa.schema([other]), pa.schema([own])], promote_options="permissive")
            except pa.ArrowException:
                reason = f"{own.name} has {own.type} beside {other.type}, which together exceed the digits of a decimal"
                faults.append(Fault(own.name, reason, pc.is_valid(table.column(number)).to_numpy()))
                table = table.set_column(number, other, pa.nulls(table.num_rows, other.type))
            else:
                known = known.set(number, common.field(0))
        self._schema = known
        return batch._replace(table=table, faults=tuple(faults))


def _has_value(values: pa.ChunkedArray) -> bool:
    """Return whether a column has a value; NaN and infinities, of which nothing can be compared, are none."""
    if pa.types.is_floating(values.type):
        return bool(pc.any(pc.is_finite(values), min_count=0).as_py())
    return bool(values.null_count < len(values))


def read_files(source: ListedSource) -> tuple[pa.Table, tuple[SourceFile, ...]]:
    """Read the rows of all files of a source into one table, and account for every file.

    The rows that the envelope refuses are left out, and counted among the faults of their file.

    Raises:
        PartitionConflictError: a file changed or was deleted after it was listed.
    """
    reader = Reader(source)
    tables: list[pa.Table] = []
    while not tables or reader.restart():
        with read_ahead(reader.batches()) as batches:
            tables = [drop_refused(batch, reader.accounts) for batch in batches]
    return pa.concat_tables(tables, promote_options="permissive"), reader.files()


def _pop(table: pa.Table, name: str) -> tuple[pa.Table, pa.ChunkedArray | None]:
    return (table.drop_columns([name]), table.column(name)) if name in table.column_names else (table, None)


def drop_refused(batch: Batch, accounts: Sequence[Account]) -> pa.Table:
    """Leave out the rows of a batch that the envelope refuses, and count them among the faults of their file."""
    if batch.refused is None or batch.refused.null_count == batch.table.num_rows:
        return batch.table
    accounts[batch.file].faults.update(batch.refused.drop_null().to_pylist())
    return batch.table.filter(pc.is_null(batch.refused))

"""FormatOfFiles of listed files in batches of declared columns, with an account of every file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.ahead import read_ahead
from airflow_mlmon.archive.curate import REASON
from airflow_mlmon.archive.layout import ListedFile
from airflow_mlmon.archive.manifest import SourceFile
from airflow_mlmon.errors import DataError, NotFoundError, PartitionConflictError, UnreadableFileError
from airflow_mlmon.spec import Column
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.tables.files import FormatOfFiles, read_path
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.schema import Conformed, Fault, arrow_schema, conform, undeclared


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
        reading: Format of the files.
    """

    store: ObjectStore
    files: Sequence[ListedFile]
    columns: Mapping[str, Column]
    timezone: str | None = None
    optional: Collection[str] = ()
    required: Collection[str] = ()
    reading: FormatOfFiles = field(default_factory=FormatOfFiles)


class Batch(NamedTuple):
    """Rows of one file in the declared columns.

    Attributes:
        file: Position of the file in the listing.
        table: The rows.
        faults: Values that could not be read; null in the table.
        refused: Reasons for which the envelope refuses rows, null for the others; None if it refuses none.
    """

    file: int
    table: pa.Table
    faults: tuple[Fault, ...] = ()
    refused: pa.ChunkedArray | None = None


@dataclass(slots=True, kw_only=True)
class Account:
    """Account of a file while it is read; `given` are its rows that were handed on."""

    listed: ListedFile
    sha256: str = ""
    rows: int | None = None
    problem: str = ""
    undeclared: tuple[str, ...] = ()
    faults: Counter[str] = field(default_factory=Counter)
    notes: set[str] = field(default_factory=set)
    given: int = 0

    @property
    def is_spoiled(self) -> bool:
        """Whether rows were handed on before the file was found to be damaged."""
        return bool(self.problem) and self.given > 0

    def close(self) -> SourceFile:
        """Return the final account; the faults of a refused file do not count."""
        item = self.listed.item
        return SourceFile(
            uri=item.uri,
            size=item.size,
            sha256=self.sha256,
            rows=self.rows,
            problem=self.problem,
            undeclared=self.undeclared,
            faults={} if self.problem else dict(self.faults),
            notes=() if self.problem else tuple(sorted(self.notes)),
        )


class Reader:
    """Reader of the files of a source, one after the other."""

    def __init__(self, source: ListedSource) -> None:
        self.accounts = [Account(listed=listed) for listed in source.files]
        self._source = source
        self._schema = arrow_schema(source.columns)

    def batches(self) -> Generator[Batch]:
        """Yield the rows of all files that can be read, each beginning with a batch of no rows.

        A file that is found to be damaged ends where it is; its account tells whether rows of it were yielded before.
        FormatOfFiles again, after `restart`, passes over it.

        Raises:
            PartitionConflictError: a file changed or was deleted after it was listed.
        """
        yield Batch(-1, arrow_schema(self._source.columns).empty_table())
        for number, piece in self._pieces():
            yield self._conform(number, piece)

    def restart(self) -> bool:
        """Return whether the files must be read again, because rows of a damaged one were yielded."""
        if not any(account.is_spoiled for account in self.accounts):
            return False
        for account in self.accounts:
            account.given = 0
            account.faults.clear()
            account.notes.clear()
        return True

    def files(self) -> tuple[SourceFile, ...]:
        """Return the accounts of all files."""
        return tuple(account.close() for account in self.accounts)

    def _pieces(self) -> Generator[tuple[int, Piece]]:
        for number, account in enumerate(self.accounts):
            if not account.problem:
                for piece in self._read(account):
                    yield number, piece

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
                rows = 0
                for piece in read_path(path, item.uri, self._source.reading):
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

    def _conform(self, number: int, piece: Piece) -> Batch:
        source, account = self._source, self.accounts[number]
        table, refused = piece.table, None
        if REASON in table.column_names and REASON not in source.columns:
            refused, table = table.column(REASON), table.drop_columns([REASON])
        if not piece.rows:
            account.undeclared = tuple(undeclared(table, source.columns))
        found = conform(
            table,
            source.columns,
            timezone=source.timezone,
            optional=source.optional,
            is_text=piece.is_text,
            values=account.listed.values,
        )
        found = self._fit(found)
        for fault in found.faults:
            if fault.column not in source.required and (count := int(fault.rows.sum())):
                account.faults[fault.reason] += count
        account.notes.update(found.notes)
        account.given += piece.rows
        return Batch(number, found.table, found.faults, refused)

    def _fit(self, found: Conformed) -> Conformed:
        """Empty the columns whose type does not go with that of the rows before: decimals of too many digits."""
        table, faults, known = found.table, list(found.faults), self._schema
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
        return found._replace(table=table, faults=tuple(faults))


def read_files(source: ListedSource) -> tuple[pa.Table, tuple[SourceFile, ...]]:
    """Read the rows of all files of a source into one table, and account for every file.

    Raises:
        PartitionConflictError: a file changed or was deleted after it was listed.
    """
    reader = Reader(source)
    tables: list[pa.Table] = []
    while not tables or reader.restart():
        with read_ahead(reader.batches()) as batches:
            tables = [batch.table for batch in batches]
    return pa.concat_tables(tables, promote_options="permissive"), reader.files()

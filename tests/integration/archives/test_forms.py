"""Forms of texts and of ids: a changed format, cut texts, swapped columns and a wrong encoding are found."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import VerdictState
from tests.support.base_day import REFERENCE_DAYS, ROWS, BaseArchive, day_of, day_table, run_day

COLUMNS = """\
    country: {{type: category}}
    note: {{type: string}}
    code: {{type: string}}
"""
WORDS = ["München", "Größe", "late", "Paid", "by", "card", "and", "shipped", "again", "Straße", "return"]


def table_of(offset: int) -> pa.Table:
    """A day with free text and with codes of which most are new."""
    rng = np.random.default_rng(day_of(offset).toordinal() + 5)
    notes = [" ".join(rng.choice(WORDS, rng.integers(2, 12))) for _ in range(ROWS)]
    codes = [f"AB-{number:06d}" for number in rng.integers(0, 1_000_000, ROWS)]
    table = day_table(day_of(offset))
    ids = [f"{(offset + 20) * ROWS + number:08d}" for number in range(ROWS)]
    return (
        table.set_column(0, "id", pa.array(ids))
        .append_column("note", pa.array(notes))
        .append_column("code", pa.array(codes))
    )


def changed(table: pa.Table, **columns: pa.ChunkedArray) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def misread(texts: pa.ChunkedArray, every: int) -> pa.Array:
    """Texts of which some were written as UTF-8 and read as Latin 1."""
    values = enumerate(texts.to_pylist())
    return pa.array([text if place % every else text.encode().decode("latin-1") for place, text in values])


def as_numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return texts.cast(pa.int64()).cast(pa.string())


# by what has changed: the column, and its values
CHANGES = {
    "encoding": lambda table: {"note": misread(table.column("note"), 10)},
    "cut": lambda table: {"note": pc.utf8_slice_codeunits(table.column("note"), 0, 20)},
    "swapped": lambda table: {"note": table.column("code"), "code": table.column("note")},
    "case": lambda table: {"code": pc.utf8_lower(table.column("code"))},
    "blanks": lambda table: {"code": pc.binary_join_element_wise(table.column("code"), "", " ")},
    "id without zeros": lambda table: {"id": as_numbers(table.column("id"))},
    "id with a prefix": lambda table: {"id": pc.binary_join_element_wise("A", table.column("id"), "")},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    archive = BaseArchive(tmp_path_factory.mktemp("forms"), ("    country: {type: category}\n", COLUMNS))
    past = [table_of(-back) for back in range(REFERENCE_DAYS, 0, -1)]
    archive.write("reference/part-0.parquet", pa.concat_tables(past))
    archive.write_day(day_of(0), table_of(0))
    for place, change in enumerate(CHANGES.values(), 1):
        table = table_of(place)
        archive.write_day(day_of(place), changed(table, **change(table)))
    with archive.opened() as run:
        for place in range(len(CHANGES) + 1):
            run_day(run, day_of(place))
        yield run


def breaches_of(run: Run, offset: int) -> set[str]:
    stored = run.store.verdicts(run.partition(day_of(offset)))
    return {f"{verdict.metric} {verdict.column}" for verdict in stored if verdict.state is VerdictState.BREACH}


def test_an_untouched_day_is_healthy(run):
    assert breaches_of(run, 0) == set()


@pytest.mark.parametrize("place", range(1, len(CHANGES) + 1), ids=list(CHANGES))
def test_a_changed_form_is_found_in_its_columns_alone(run, place):
    change = list(CHANGES.values())[place - 1]
    found = {name.split()[1] for name in breaches_of(run, place)}
    assert {run.spec.derived.get(name, name) for name in found} == set(change(table_of(place)))

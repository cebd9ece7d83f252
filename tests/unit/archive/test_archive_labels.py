"""Keys by which labels are joined, and the row that counts of several of one prediction."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.curation.read import ListedSource
from airflow_mlmon.archive.label_keys import (
    count_merged,
    every_spelling,
    label_keys,
    prediction_keys,
    spell,
    spell_keys,
)
from airflow_mlmon.archive.labels import label_columns, take_in_delivery, to_delivery
from airflow_mlmon.archive.layouts.layout import list_below
from airflow_mlmon.archive.sought_keys import SoughtKeys
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.labels import IdForm
from airflow_mlmon.storage.local import LocalStore
from tests.support.archive import to_bytes
from tests.support.base_day import LABELS, SPEC
from tests.support.runs import write_file

BY_ID = LABELS.format(root="/a")


def spec_of(labels: str = BY_ID) -> ModelSpec:
    return parse_spec(SPEC.format(root="/a") + labels, "m.yaml")


@pytest.mark.parametrize(
    ("form", "written", "expected"),
    [
        (IdForm.STRIP, [" a ", "a\t", None], ["a", "a", None]),
        (IdForm.LOWER, ["A-Ö", "a"], ["a-ö", "a"]),
        (IdForm.WITHOUT_DASHES, ["1-2-3", "-"], ["123", ""]),
        (IdForm.WHOLE, ["17.0", "17.", "17.00", "1.70", "a.0"], ["17", "17", "17", "1.70", "a.0"]),
        (IdForm.WITHOUT_ZEROS, ["00017", "000", "0", "0a", "100", "-01"], ["17", "0", "0", "a", "100", "-01"]),
    ],
)
def test_form_of_ids(form, written, expected):
    once = spell(pa.array(written), [form])

    assert once.to_pylist() == expected
    assert spell(once, [form]).to_pylist() == expected


def test_forms_apply_in_one_order_and_to_each_part_of_a_key():
    assert spell(pa.array([" 0017.0 "]), reversed(IdForm)).to_pylist() == ["17"]
    assert spell_keys(pa.array(["007\x1f08", None]), [IdForm.WITHOUT_ZEROS]).to_pylist() == ["7\x1f8"]
    assert every_spelling()[0] == (IdForm.STRIP,)
    assert len(every_spelling()) == 2 ** len(IdForm) - 1


def test_key_of_several_columns_is_null_where_one_is():
    spec = spec_of(BY_ID.replace("id: id", "id: {country: land, at: moment}"))
    moment = pa.array([datetime(2026, 3, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC"))
    rows = pa.table({"country": ["DE", None, "FR"], "at": moment})
    labels = rows.rename_columns(["land", "moment"])

    keys = prediction_keys(rows, spec).to_pylist()

    assert keys == label_keys(labels, spec).to_pylist()
    assert [key is None for key in keys] == [False, True, False]
    assert len(set(keys)) == 3


def test_ids_that_a_form_makes_the_same_are_counted(tmp_path):
    spec = spec_of(BY_ID.replace("id: id", "id: id\n  ids: [without_zeros, lower]"))
    rows = pa.table({"id": ["7", "007", "A", "a", "b", "b", None]})

    assert count_merged([rows.slice(0, 3), rows.slice(3)], spec, tmp_path) == 2
    assert count_merged([rows], spec_of(), tmp_path) == 0


def labelled(*rows: tuple[str | None, bool | None]) -> pa.Table:
    ids, labels = zip(*rows, strict=True)
    return pa.table({"id": pa.array(ids, pa.string()), "fraud": pa.array(labels, pa.bool_())})


def test_last_row_of_an_id_counts_and_contradictions_are_counted_by_id():
    spec = spec_of()
    table = labelled(("a", True), ("b", True), ("a", False), ("c", None), ("b", True), (None, True), ("a", None))

    rows, contradictory = to_delivery(table, spec, spec.labels)

    assert rows.select(["id", "label"]).to_pylist() == [{"id": "a", "label": False}, {"id": "b", "label": True}]
    assert contradictory == 1


def test_rows_taken_in_from_files_are_those_of_one_table(tmp_path):
    spec = spec_of()
    many = [(f"id-{row % 700}", bool(row % 3) if row % 11 else None) for row in range(1000)]
    files = (many[:400], [(None, True), ("alone", False)], many[400:])
    for number, rows in enumerate(files):
        write_file(f"{tmp_path}/labels/part-{number}.parquet", to_bytes(labelled(*rows)))
    store = LocalStore()
    source = ListedSource(
        store=store, files=list_below(store, f"{tmp_path}/labels/").files, columns=label_columns(spec, spec.labels)
    )

    found = take_in_delivery(source, spec, spec.labels, tmp_path)

    expected = to_delivery(labelled(*(row for rows in files for row in rows)), spec, spec.labels)
    assert pq.read_table(found.path).equals(expected.rows)
    assert (found.rows, found.contradictory) == (expected.rows.num_rows, expected.contradictory)
    assert expected.contradictory > 100
    assert (found.read, len(found.files)) == (1002, 3)


def test_ids_in_two_spellings_are_one_prediction():
    spec = spec_of(BY_ID.replace("id: id", "id: id\n  ids: [without_zeros, strip]"))
    delivered = to_delivery(labelled(("007", True), ("7 ", False)), spec, spec.labels)
    curated = pa.table({"id": ["07", "8"]})

    found = SoughtKeys(delivered.rows.column("id")).find(prediction_keys(curated, spec))

    assert delivered.contradictory == 1
    assert found.positions.tolist() == [0]
    assert delivered.rows.column("label").take(pa.array(found.rows)).to_pylist() == [False]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("labels: {path: /l/, id: id, label: y}", "name the `watermark` of a growing table"),
        ("labels: {path: '/l/{date}/', id: id, label: y, watermark: w}", "is of use to one growing table alone"),
        ("labels: {label: y, watermark: w}", "is of use to one growing table alone"),
        ("labels: {path: '/l/{date}/', label: y}", "name the column of the labels that holds the prediction id"),
        ("labels: {path: '/l/{date}/', id: [cuntry], label: y}", "did you mean country?"),
        ("labels: {path: '/l/{date}/', id: [amount], label: y}", "a column of type float cannot be joined on"),
        ("labels: {path: '/l/{date}/', id: {}, label: y}", "names no column"),
        ("labels: {path: '/l/{date}/', id: id, ids: upper, label: y}", "labels.ids"),
        ("labels: {label: score}", "is also a column of the predictions"),
    ],
)
def test_declaration_that_says_too_little_or_too_much_is_refused(labels, message):
    with pytest.raises(ConfigError) as refused:
        spec_of(labels)

    assert message in str(refused.value)

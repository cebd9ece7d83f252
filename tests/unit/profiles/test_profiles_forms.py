"""Forms of texts and ids: what is measured, of which columns, and of how many rows."""

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.engine.derived import derive
from airflow_mlmon.profiles.engine.local import profile_parquet, profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.schema import Derivation
from tests.support.archive import to_bytes
from tests.support.base_day import SPEC

TEXTS = [
    "00017",
    "17",
    None,
    "Köln am Rhein",
    "K\u00c3\u00b6ln",
    "M\ufffdnchen",
    "\u00c3\u201erger",
    "S\u00c3O PAULO",
    "",
]
SPEC_OF_CODES = SPEC.format(root="/archive").replace("    amount: {type: float}\n", "    code: {type: string}\n")


def forms(*features: str, every: int = 1) -> list[list[object]]:
    derivations = [Derivation(feature=feature, columns=("code",), every=every) for feature in features]
    return [values.to_pylist() for values in derive(derivations, [pa.array(TEXTS)])]


def test_lengths_patterns_and_damage_are_those_of_the_characters():
    lengths, patterns, shapes, damaged = forms("length", "pattern", "shape", "damaged")
    assert lengths == [5, 2, None, 13, 5, 8 - 1, 6, 9, 0]
    assert patterns[:4] == ["999", "99", None, "Aaaa aa Aaaa"]
    assert shapes[:4] == ["9", "9", None, "Aaaa aa Aaaa"]
    assert damaged == [False, False, None, False, True, True, True, False, False]


def test_ids_of_another_day_or_number_have_one_shape_and_those_without_their_prefix_another():
    ids = pa.array(["2026-3-1/7", "2026-12-10/48213", "2026-03-01-7", "48213"])
    [shapes] = derive([Derivation(feature="shape", columns=("id",))], [ids])

    assert shapes.to_pylist() == ["9-9-9/9", "9-9-9/9", "9-9-9-9", "9"]


def test_a_share_of_the_texts_is_measured_by_their_content_alone():
    texts = pa.array([f"{n:08d}" for n in range(4096)])
    some = Derivation(feature="length", columns=("code",), every=16)
    [once] = derive([some], [texts])
    [turned] = derive([some], [texts.take(pa.array(np.arange(4096)[::-1].copy()))])
    assert once.to_pylist() == turned.to_pylist()[::-1]
    assert 150 < len(once) - once.null_count < 400


def rows_of(ids: list[str], codes: list[str]) -> pa.Table:
    return pa.table({"id": ids, "code": codes})


@pytest.mark.parametrize(
    ("ids", "codes", "derived"),
    [
        ([f"{n:05d}" for n in range(200)], ["a", "b"] * 100, ["id.length", "id.shape"]),
        # the length of ids that count upwards grows by itself
        ([str(n) for n in range(200)], ["a", "b"] * 100, ["id.shape"]),
        (
            [str(n) for n in range(200)],
            [f"text {n}" for n in range(200)],
            ["code.damaged", "code.length", "code.pattern", "id.shape"],
        ),
        (["1"] * 20 + [None] * 180, ["a"] * 200, []),
    ],
)
def test_forms_are_pinned_of_ids_and_of_texts_without_an_end(ids, codes, derived):
    schema = pin_schema(parse_spec(SPEC_OF_CODES, "m.yaml"), rows_of(ids, codes))
    assert sorted(column.name for column in schema.columns if column.derived) == derived


def test_no_id_is_kept_and_files_and_tables_have_the_same_profile():
    table = rows_of([f"order-{n:06d}" for n in range(60_000)], ["a", "b"] * 30_000)
    schema = pin_schema(parse_spec(SPEC_OF_CODES, "m.yaml"), table)
    assert {column.derived.every for column in schema.columns if column.derived} == {8}
    profile = profile_table(table, schema)
    assert profile_parquet([to_bytes(table)], schema).to_bytes() == profile.to_bytes()
    shapes = profile.columns["id.shape"]
    assert isinstance(shapes, CategoryProfile)
    assert shapes.schema.vocabulary == ("aaa-9",)
    assert 6_000 < shapes.observed < 9_000
    assert b"order-" not in profile.to_bytes()

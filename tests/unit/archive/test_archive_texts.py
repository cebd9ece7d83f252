"""Columns derived from texts: what they count, and that hostile texts are only data."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.archive.curation.texts import derive_texts
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec import Column, ColumnType, Role
from tests.support.archive import FIRST, Archive, day_table, partition, replace_columns
from tests.support.curated import curate
from tests.support.hostile import HOSTILE

NAMES = ("length", "words", "letters", "digits", "upper", "non_ascii", "pattern", "empty")
NOTE = ("channel: {type: category}", "channel: {type: string, role: text, required: true}")


def derive(texts, regex: str | None = None) -> list[tuple[object, ...]]:
    column = Column(type=ColumnType.STRING, role=Role.TEXT, regex=regex)
    values = texts if isinstance(texts, pa.ChunkedArray) else pa.array(texts, pa.string())
    return [tuple(row.values()) for row in derive_texts(pa.table({"note": values}), {"note": column}).to_pylist()]


def raw(*texts: bytes) -> pa.ChunkedArray:
    """Texts of any bytes, as a Parquet file may hold them."""
    bounds = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    return pa.chunked_array(
        [pa.StringArray.from_buffers(len(texts), pa.py_buffer(bounds), pa.py_buffer(b"".join(texts)))]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Aaa-999", (7, 1, 3 / 7, 3 / 7, 1 / 7, 0.0, "Aaa-999", False), id="code"),
        pytest.param(" Due  on\t12 ", (12, 3, 5 / 12, 2 / 12, 1 / 12, 0.0, " Aaa  aa 99 ", False), id="words"),
        pytest.param("Überweisung 7 €", (15, 3, 11 / 15, 1 / 15, 1 / 15, 2 / 15, "Aaaa 9 *", False), id="not ascii"),
        pytest.param("שלום 123456", (11, 2, 4 / 11, 6 / 11, 0.0, 4 / 11, "aaa 999", False), id="right to left"),
        pytest.param("a-b-c-d-e-f-g-h", (15, 1, 8 / 15, 0.0, 0.0, 0.0, "a-a-a-a-a-a-…", False), id="long pattern"),
        pytest.param("a\x00b", (3, 1, 2 / 3, 0.0, 0.0, 0.0, "a*a", False), id="NUL"),
        pytest.param(" \u2003\n", (3, 0, 0.0, 0.0, 0.0, 1 / 3, "   ", True), id="blank"),
        pytest.param("", (0, 0, None, None, None, None, None, True), id="empty"),
        pytest.param(None, (None,) * 8, id="null"),
    ],
)
def test_a_text_is_described(text, expected):
    # beside others, as a run of characters must not go over the end of a text
    described = derive(["AAAA", text, "aaaa"])

    assert dict(zip(NAMES, described[1], strict=True)) == dict(zip(NAMES, expected, strict=True))
    assert (described[0][6], described[2][6]) == ("AAA", "aaa")


def test_matches_are_those_of_the_regular_expression():
    assert [row[-1] for row in derive(["AB-12", "xAB-12", "", None], r"^[A-Z]{2}-\d+$")] == [True, False, False, None]


def test_bytes_that_are_no_text_are_only_data():
    described = derive(raw(b"\xff\xfe", b"ab", b"\xc3", "ab\ud800".encode("utf-8", "surrogatepass")))

    assert [row[6] for row in described] == ["**", "aa", "*", "aa***"]


def test_many_and_long_texts_are_described_block_by_block():
    texts = pa.chunked_array([["x" * 5_000_000, "é" * 3_000_000, "Ab 1"] * 2, ["z"]])

    described = derive(texts.slice(1))

    assert [row[0] for row in described] == [3_000_000, 4, 5_000_000, 3_000_000, 4, 1]
    assert [row[6] for row in described] == ["aaa", "Aa 9", "aaa", "aaa", "Aa 9", "a"]


def test_hostile_texts_leave_only_letters_digits_and_punctuation():
    texts = [text for name, text in HOSTILE.items() if name != "control"]

    patterns = {row[6] for row in derive(texts)} - {None}

    assert len(patterns) == len(texts) - 1
    assert not [pattern for pattern in patterns if set(pattern) - set("Aa9*…") - set("</>=\"'{}% .$\\-")]
    assert max(map(len, patterns)) == 13


def test_a_regular_expression_that_re2_rejects_is_a_mistake_of_the_spec():
    with pytest.raises(ConfigError, match=r"predictions\.columns\.note\.regex: not a regular expression of RE2"):
        derive(["a"], r"a\Z")


def test_curation_derives_from_accepted_and_quarantined_rows():
    spec = parse_spec(Archive("archive", lambda *_: None).spec_text(NOTE), "loans.yaml")
    table = day_table(FIRST).drop_columns(["repaid", "outcome"])
    table = replace_columns(table, channel=pa.array(["web 1", None, *["branch"] * 78]), term=[None, *[12] * 79])

    rows, quarantine, *_ = curate(table, spec, partition(0))

    assert rows.column_names == [name for name, column in spec.columns.items() if column.personal != "drop"]
    assert quarantine.column("quarantine_reason").to_pylist() == ["term is empty", "channel is empty"]
    assert quarantine.column("channel.pattern").to_pylist() == ["aaa 9", None]
    assert rows.column("channel.length").unique().to_pylist() == [6]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("{type: category, role: text}", r"channel.type: a column of role text must be of type string"),
        ("{type: string, role: text, personal: drop}", r"channel.personal: a text is never stored"),
        ("{type: string, regex: a}", r"channel.regex: only for role text, not feature"),
        ("{type: string, role: text, regex: '(a'}", r"channel.regex: not a regular expression: missing \)"),
        ("{type: string, role: text, regex: '(?=a)b'}", r"channel.regex: '\(\?=' is not supported; RE2 has no look"),
        ("{type: string, role: text, regex: '(a)\\1'}", r"channel.regex: .* is not supported"),
        ("{type: string, role: text}\n    channel.words: {type: float}", r"channel.words: also the name of a column"),
    ],
)
def test_a_mistake_in_a_text_names_its_key(declared, message):
    text = Archive("archive", lambda *_: None).spec_text(("channel: {type: category}", f"channel: {declared}"))

    with pytest.raises(ConfigError, match=message):
        parse_spec(text, "loans.yaml")


def test_a_copied_spec_has_the_columns_of_its_own_predictions():
    spec = parse_spec(Archive("archive", lambda *_: None).spec_text(NOTE), "loans.yaml")
    without = {name: column for name, column in spec.predictions.columns.items() if name != "channel"}

    copied = spec.model_copy(update={"predictions": spec.predictions.model_copy(update={"columns": without})})

    assert set(spec.columns) - set(copied.columns) == {f"channel.{name}" for name in NAMES}


def test_a_rule_may_name_a_derived_column_and_not_the_text():
    archive = Archive("archive", lambda *_: None)
    rule = "    - {metric: null_rate, column: NAME, max: 0.1}"
    spec = parse_spec(archive.spec_text(NOTE, extra=[rule.replace("NAME", "channel.pattern")]), "loans.yaml")

    assert spec.alerts.rules[-1].column == "channel.pattern"
    with pytest.raises(ConfigError, match=r"'channel' is unknown; did you mean channel\.\w+\?"):
        parse_spec(archive.spec_text(NOTE, extra=[rule.replace("NAME", "channel")]), "loans.yaml")

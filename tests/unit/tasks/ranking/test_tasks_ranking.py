"""What a ranking says of groups that cannot be measured, of ties, and of its stored bytes."""

from __future__ import annotations

import base64
from datetime import date

import pyarrow as pa
import pytest

from airflow_mlmon.archive.drafting.guess import guess_model
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.tasks.ranking.description import Ranking
from airflow_mlmon.tasks.registry import task_of
from tests.support.searches import search_table

SPEC = """\
model: searches
start: 2026-03-01
predictions:
  path: s3://bucket/predictions/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    query: {type: string, role: group}
    place: {type: integer, role: rank}
labels: {path: "s3://bucket/labels/dt={date}/", id: id, label: clicks, min_coverage: 0.6}
reference: {path: s3://bucket/reference/, label: clicks}
cutoff: 3
"""
COUNTS = ("groups", "groups_irrelevant", "groups_unlabelled", "groups_of_one", "groups_below_zero")


def joined(groups: dict[str, list[tuple[float | None, float | None]]], items: list[str] | None = None) -> pa.Table:
    """Rows of groups, each a score and a label."""
    rows = [(name, *row) for name, found in groups.items() for row in found]
    return pa.table(
        {
            "score": pa.array([score for _, score, _ in rows], pa.float64()),
            "rank": pa.nulls(len(rows), pa.int64()),
            "group": pa.array([name or None for name, _, _ in rows], pa.string()),
            "item": pa.array(items or [None] * len(rows), pa.string()),
            "label": pa.array([label for _, _, label in rows], pa.float64()),
            "excluded": [False] * len(rows),
        }
    )


def measured(table: pa.Table, task: Ranking | None = None, min_coverage: float = 0.0) -> dict[str, MetricValue]:
    task = task or Ranking(cutoff=2, coverage=0.6)
    outcomes = task.profile_outcomes(table, task.pin_outcomes({}, table))
    return {value.metric: value for value in task.measure(outcomes, min_coverage)}


GOOD = [(0.9, 1.0), (0.5, 0.0), (0.1, 0.0)]


@pytest.mark.parametrize(
    ("group", "counts"),
    [
        pytest.param([(0.9, 0.0), (0.1, 0.0)], (2, 1, 0, 0, 0), id="nothing-relevant"),
        pytest.param([(0.9, 1.0), (0.8, None), (0.7, None)], (1, 0, 1, 0, 0), id="most-labels-missing"),
        pytest.param([(0.9, None), (0.8, None)], (1, 0, 1, 0, 0), id="all-labels-missing"),
        pytest.param([(0.9, 1.0), (0.8, None), (0.7, 0.0)], (2, 0, 0, 0, 0), id="a-label-missing"),
        pytest.param([(0.9, 1.0)], (1, 0, 0, 1, 0), id="of-one-row"),
        pytest.param([(0.9, 1.0), (0.8, -1.0)], (1, 0, 0, 0, 1), id="below-zero"),
        pytest.param([(0.9, float("inf")), (0.8, 1.0), (0.7, 0.0)], (2, 0, 0, 0, 0), id="infinite"),
        pytest.param([(None, 1.0), (0.8, 1.0)], (1, 0, 0, 1, 0), id="without-a-score"),
    ],
)
def test_groups_that_cannot_be_measured_are_counted_by_the_reason(group, counts):
    found = measured(joined({"good": GOOD, "other": group}))

    assert tuple(found[name].value for name in COUNTS) == counts
    assert found["ndcg_at_k"].value == 1


def test_rows_without_a_group_have_no_rank():
    found = measured(joined({"good": GOOD, "": [(0.9, 0.0), (0.1, 1.0)]}))

    assert (found["groups"].value, found["ndcg_at_k"].value) == (1, 1)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ({"a": [(0.9, 1.0)], "b": [(0.9, 0.0)]}, "2 groups of a single row"),
        ({"a": [(0.9, 0.0), (0.1, 0.0)]}, "none of 1 groups has both relevant and other rows"),
        ({"": [(0.9, 1.0), (0.1, 0.0)]}, "no row has a label, a group and a place"),
    ],
)
def test_where_no_group_counts_the_reason_is_given(groups, reason):
    found = measured(joined(groups))

    assert (found["ndcg_at_k"].value, found["ndcg_at_k"].reason) == (None, reason)
    assert found["ndcg_at_k"].low is None


def test_one_group_has_no_interval():
    found = measured(joined({"good": GOOD}))

    assert (found["ndcg_at_k"].value, found["ndcg_at_k"].low) == (1, None)


def test_a_tie_never_helps_but_for_the_gain_that_it_shares():
    found = measured(joined({"tied": [(0.5, 0.0), (0.5, 1.0)]}), Ranking(cutoff=1))

    assert found["mrr"].value == 0.5
    assert found["hit_rate_at_k"].value == found["precision_at_k"].value == found["recall_at_k"].value == 0
    assert found["ndcg_at_k"].value == 0.5 == found["group_auc"].value


def test_items_that_are_shown_are_counted_among_those_offered():
    shown = measured(joined({"a": GOOD, "b": GOOD}, items=["x", "y", "z", "x", "y", "w"]))

    assert shown["item_coverage"].value == 0.5
    # of four items two have two places each
    assert shown["popularity_bias"].value == 0.5


def test_the_spec_gives_cutoff_coverage_and_what_is_ranked_by():
    task = task_of(parse_spec(SPEC, "searches.yaml"))
    by_score = joined({"a": [(0.1, 1.0), (0.9, 0.0)]})
    by_rank = by_score.set_column(1, "rank", pa.array([1, 2]))

    assert dict(task.settings) == {"cutoff": 3.0, "coverage": 0.6}
    assert "item_coverage" not in task.label_metrics
    assert measured(by_score, task)["mrr"].value == 0.5
    # where both are archived, the rank counts
    assert measured(by_rank, task)["mrr"].value == 1
    assert dict(task.pin_outcomes({Role.RANK: None}, None).settings)["by_rank"] == 1


def test_a_ranking_is_recognised_by_its_groups():
    found = guess_model(search_table(date(2026, 3, 1)))

    assert found.task.name == "ranking"
    assert {column.name: column.role for column in found.outputs} == {
        "query": Role.GROUP,
        "document": Role.ITEM,
        "score": Role.SCORE,
    }
    assert found.label is not None
    assert (found.label.name, found.label.type) == ("clicks", ColumnType.FLOAT)


def test_cutoff_is_a_key_of_rankings_alone():
    text = SPEC.replace("query: {type: string, role: group}", "query: {type: string}").replace(
        "role: rank", "role: score"
    )

    with pytest.raises(ConfigError, match="cutoff: is of no use to a binary model"):
        parse_spec(
            "task: binary\n" + text.replace("{type: integer, role: score}", "{type: float, role: score}"), "s.yaml"
        )


def test_stored_bytes_stay_readable():
    task = Ranking(cutoff=2)
    table = joined({"a": GOOD, "b": [(0.9, 0.0), (0.1, 2.0)]}, items=["x", "y", "z", "x", "y"])
    outcomes = task.profile_outcomes(table, task.pin_outcomes({}, table))

    assert task.read_outcomes(base64.b64decode(STORED)) == outcomes


STORED = (
    "TUxNTwIAsDdyUjsFAAAAAAAAFAEAAHsiY29sdW1ucyI6IntcImNvbHVtbnNcIjpbe1wiYXRvbXNcIjpbMC4wXSxcImNlbnRyZVwi"
    "OjAuMCxcImludGVnZXJcIjpmYWxzZSxcImtpbmRcIjpcIm51bWVyaWNcIixcIm5hbWVcIjpcImxhYmVsXCIsXCJxdWFudHVtXCI6"
    "NC43NjgzNzE1ODIwMzEyNWUtMDcsXCJ2b2NhYnVsYXJ5XCI6W119XSxcImZvcm1hdFwiOjEsXCJtb2RlbFwiOlwiXCJ9IiwiZWRn"
    "ZXMiOltdLCJmb3JtYXQiOjEsInNldHRpbmdzIjp7ImJ5X3JhbmsiOjAuMCwiY292ZXJhZ2UiOjAuOCwiY3V0b2ZmIjoyLjB9fQEA"
    "AAAFAQAAAAABAAAABQEAAAAAAQAAAAABAAAAAAEAAAAAAQAAAAAAAAAAAQAAAAAAAABAAwAAAAAAYAYAAAAAAAAAABQGAwAAAAAA"
    "AAAAAAAAAAAAAAAA8D8AAAAAAAAAQAADAAAAAwEBAQAAAAAAAAAAAAAAAAAABgAAAAAAAAAAAAEAAAAdEAAAAGdyb3VwX2F1Yy5n"
    "cm91cHMBAAAAAhAAAABncm91cF9hdWMucmFuZG9tBgAAAAAAAAAAAREAAABncm91cF9hdWMuc3F1YXJlcwYAAAAAAAAAAAEPAAAA"
    "Z3JvdXBfYXVjLnRvdGFsBgAAAAAAAAAAAQYAAABncm91cHMBAAAAAhQAAABoaXRfcmF0ZV9hdF9rLmdyb3VwcwEAAAACFAAAAGhp"
    "dF9yYXRlX2F0X2sucmFuZG9tBgAAAKuqqqqqARUAAABoaXRfcmF0ZV9hdF9rLnNxdWFyZXMGAAAAAAAAAAACEwAAAGhpdF9yYXRl"
    "X2F0X2sudG90YWwGAAAAAAAAAAACDwAAAG1hcF9hdF9rLmdyb3VwcwEAAAACDwAAAG1hcF9hdF9rLnJhbmRvbQYAAAAAAAAAQAEQ"
    "AAAAbWFwX2F0X2suc3F1YXJlcwYAAAAAAAAAQAEOAAAAbWFwX2F0X2sudG90YWwGAAAAAAAAAIABCgAAAG1yci5ncm91cHMBAAAA"
    "AgoAAABtcnIucmFuZG9tBgAAAHIcx3FcAQsAAABtcnIuc3F1YXJlcwYAAAAAAAAAQAEJAAAAbXJyLnRvdGFsBgAAAAAAAACAARAA"
    "AABuZGNnX2F0X2suZ3JvdXBzAQAAAAIQAAAAbmRjZ19hdF9rLnJhbmRvbQYAAABjoYLuWwERAAAAbmRjZ19hdF9rLnNxdWFyZXMG"
    "AAAAn90R6GUBDwAAAG5kY2dfYXRfay50b3RhbAYAAACqwZyEoQEVAAAAcHJlY2lzaW9uX2F0X2suZ3JvdXBzAQAAAAIVAAAAcHJl"
    "Y2lzaW9uX2F0X2sucmFuZG9tBgAAAFVVVVXVABYAAABwcmVjaXNpb25fYXRfay5zcXVhcmVzBgAAAAAAAACAABQAAABwcmVjaXNp"
    "b25fYXRfay50b3RhbAYAAAAAAAAAAAESAAAAcmVjYWxsX2F0X2suZ3JvdXBzAQAAAAISAAAAcmVjYWxsX2F0X2sucmFuZG9tBgAA"
    "AKuqqqqqARMAAAByZWNhbGxfYXRfay5zcXVhcmVzBgAAAAAAAAAAAhEAAAByZWNhbGxfYXRfay50b3RhbAYAAAAAAAAAAAIBAAAA"
    "Ag0AAABpdGVtc19vZmZlcmVkAwAAACaXBAICAAAAs9wHAO6qAAAAAwAAAAECAgsAAABpdGVtc19zaG93bgMAAADZcwwBAQAAAO6q"
    "AAIAAAACAg=="
)

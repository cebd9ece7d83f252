"""Breaches that belong together, and which of them is the likely cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.evaluation.evidence import ColumnEvidence
from airflow_mlmon.evaluation.incidents import Incident, group_breaches
from airflow_mlmon.records import Verdict, VerdictState

DAY = date(2026, 3, 2)


def breach(metric: str, column: str | None = None, segment: str | None = None, effect: float = 0.3) -> Verdict:
    return Verdict(
        metric=metric,
        column=column,
        segment=segment,
        value=0.1,
        state=VerdictState.BREACH,
        low=None,
        high=None,
        rule="as expected in 28 days",
        effect=effect,
    )


def drift(column: str, segment: str | None = None, effect: float = 0.3) -> Verdict:
    return breach("drift_score", column, segment, effect)


def moving(places: list[float]) -> ColumnHistory:
    """A column whose values lay there on the days before."""
    evidence = [
        ColumnEvidence(rows=100, base_rows=1_000, place=place, scale=0.29, statistic=1.0, freedom=9) for place in places
    ]
    days = [DAY - timedelta(days=back) for back in range(len(places), 0, -1)]
    return ColumnHistory(day=DAY, now=evidence[-1], past=list(zip(days, evidence, strict=True)))


def tied_columns(days: int = 20) -> dict[str, ColumnHistory]:
    """Distance and duration move together, and weekday by itself."""
    random = np.random.default_rng(1)
    common, own = random.normal(0.5, 0.01, days), random.normal(0.5, 0.01, days)
    return {
        "distance": moving(list(common)),
        "duration": moving(list(1 - common + 0.001 * random.normal(size=days))),
        "weekday": moving(list(own)),
    }


def grouped(*breaches: Verdict, columns=None, shifts=None, outputs=("score", "approved")) -> list[Incident]:
    return group_breaches(breaches, tied_columns() if columns is None else columns, shifts or {}, outputs)


def subjects(incidents: list[Incident]) -> list[list[str]]:
    return [[one.column or one.metric for one in incident.breaches] for incident in incidents]


def test_columns_that_are_empty_on_as_many_rows_are_one_incident():
    distance, weekday, hour = (breach("null_rate", name) for name in ("distance", "weekday", "hour"))

    incidents = grouped(distance, weekday, replace(hour, value=0.3), columns={})

    assert sorted(map(sorted, subjects(incidents))) == [["distance", "weekday"], ["hour"]]


def test_columns_that_move_together_are_one_incident():
    incidents = grouped(drift("distance"), drift("weekday"), drift("duration", effect=0.4))

    assert subjects(incidents) == [["duration", "distance"], ["weekday"]]


@pytest.mark.parametrize("columns", [{}, tied_columns(days=9)], ids=["no-history", "short-history"])
def test_without_a_history_nothing_ties_columns(columns):
    assert subjects(grouped(drift("distance"), drift("duration"), columns=columns)) == [["distance"], ["duration"]]


def test_column_that_moves_the_score_most_is_first():
    shifts = {"distance": 0.02, "duration": -0.05, "weekday": 0.04}
    incidents = grouped(drift("distance", effect=0.9), drift("weekday"), drift("duration"), shifts=shifts)

    assert subjects(incidents) == [["duration", "distance"], ["weekday"]]
    assert [incident.shift for incident in incidents] == [-0.05, 0.04]


def test_outputs_and_performance_are_consequences_of_the_first_incident():
    incidents = grouped(
        breach("score_mean", effect=2.0),
        drift("score", effect=2.0),
        breach("accuracy", effect=-1.0),
        drift("distance"),
        drift("weekday"),
        shifts={"weekday": 0.1},
    )

    assert subjects(incidents) == [["weekday", "score", "score_mean", "accuracy"], ["distance"]]


def test_consequences_without_a_cause_are_an_incident():
    [incident] = grouped(breach("accuracy"), breach("roc_auc"))

    assert (incident.cause.metric, incident.shift) == ("accuracy", None)


def test_lost_rows_explain_what_the_others_are_like():
    incidents = grouped(breach("rows", effect=-0.7), drift("distance"))

    assert subjects(incidents) == [["rows", "distance"]]


def test_rows_come_first_whatever_a_column_would_do_to_the_output():
    [incident] = grouped(breach("rows", effect=0.3), drift("distance", effect=2.0), shifts={"distance": 0.4})

    assert subjects([incident]) == [["rows", "distance"]]


def test_broken_relation_comes_after_what_is_wrong_with_one_column():
    incidents = grouped(breach("explained_share", "distance", effect=3.0), drift("distance"))

    assert [one.metric for one in incidents[0].breaches] == ["drift_score", "explained_share"]


def test_broken_relation_belongs_to_the_column_that_broke_it():
    [incident] = grouped(breach("equal_share", "duration"), drift("weekday"))

    assert subjects([incident]) == [["weekday", "duration"]]


def test_repeated_rows_come_before_several_columns_and_after_the_one_that_made_them_alike():
    repeated = breach("repeated_share", effect=0.1)

    assert subjects(grouped(repeated, drift("distance")))[0][0] == "distance"
    assert subjects(grouped(repeated, drift("distance"), drift("weekday")))[0][0] == "repeated_share"


def test_slow_service_explains_no_column():
    incidents = grouped(breach("latency_p95", effect=0.7), drift("distance"))

    assert subjects(incidents) == [["latency_p95"], ["distance"]]


def test_column_whose_drift_another_explains_is_one_incident_with_it():
    breaches = (drift("weekday", effect=0.2), drift("distance"))
    [incident] = group_breaches(breaches, {}, {}, (), explained={("distance", "weekday")})

    assert subjects([incident]) == [["distance", "weekday"]]


def test_many_columns_on_one_day_have_one_cause():
    incidents = grouped(drift("distance"), drift("weekday", effect=0.5), drift("month", effect=0.4), columns={})

    assert subjects(incidents) == [["weekday", "month", "distance"]]


def test_column_its_nulls_and_its_segments_are_one_incident_and_the_whole_comes_first():
    incidents = grouped(
        drift("weekday", "carrier=AA", effect=0.9), breach("null_rate", "weekday", effect=0.1), drift("weekday")
    )

    [incident] = incidents
    assert [(one.metric, one.segment) for one in incident.breaches] == [
        ("drift_score", None),
        ("null_rate", None),
        ("drift_score", "carrier=AA"),
    ]


def test_rows_of_a_segment_belong_to_the_column_that_divides_them():
    """A value that has become more frequent is no incident beside the drift of its column."""
    incidents = grouped(
        breach("latency_p95", effect=0.7),
        breach("rows", segment="carrier=AA", effect=0.9),
        breach("rows", segment="carrier (other)", effect=0.9),
        drift("carrier", effect=0.5),
        columns={"carrier": moving([0.5])},
    )

    assert [[(one.metric, one.segment) for one in incident.breaches] for incident in incidents] == [
        [("latency_p95", None)],
        [("drift_score", None), ("rows", "carrier (other)"), ("rows", "carrier=AA")],
    ]


def test_nothing_in_breach_is_no_incident():
    assert grouped() == []


def test_order_of_the_breaches_does_not_matter():
    found = [drift("distance"), drift("weekday"), drift("duration"), breach("score_mean"), breach("accuracy")]

    assert grouped(*found) == grouped(*reversed(found))

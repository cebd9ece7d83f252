from airflow_mlmon.records import VerdictState
from airflow_mlmon.reports.checks import list_checks
from airflow_mlmon.spec.choices import Severity
from tests.support.published import check, verdict


def test_a_check_stands_beside_the_verdict_on_the_metric_that_measures_the_same():
    checks = [
        check(column="wind"),
        check(column="wind", expectation="expect_column_values_to_be_unique"),
        check(expectation="expect_table_row_count_to_be_between", column=None, severity=Severity.BLOCKING),
    ]
    of_wind = verdict(name="null_rate", column="wind", state=VerdictState.BREACH)
    of_rows = verdict(name="rows", state=VerdictState.OK)
    others = [
        verdict(name="null_rate", column="wind", segment="origin=EWR"),
        verdict(name="null_rate", column="wind", state=VerdictState.OK),
        verdict(name="null_rate", column="visib"),
    ]

    found = {one.expectation: beside for one, beside in list_checks(checks, [*others, of_wind, of_rows])}

    assert found == {
        "expect_column_values_to_not_be_null": of_wind,
        "expect_column_values_to_be_unique": None,
        "expect_table_row_count_to_be_between": of_rows,
    }

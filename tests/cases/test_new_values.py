"""Values of categories from the reference to the alert: known ones beyond the vocabulary, new ones in few and many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, Verdict
from tests.support.base_day import FIRST, BaseArchive, day_of, day_table, run_day

ROWS = 200
REFERENCE = 30
# codes in order of their frequency; those from 1,000 on are beyond the vocabulary
ZIPF = 1 / np.arange(1, 4_001)
RARE, GAINED = "03000", 60
KEY = ("new_category_rate", "country")
COLUMNS = """    country: {{type: category}}
    zip: {{type: category}}
    street: {{type: category}}
    town: {{type: category}}
    who: {{type: category, personal: hash}}
"""


def table_of(offset: int) -> pa.Table:
    """The rows of a day: countries, a closed set, uniform and Zipf codes, and towns, of which each day brings some."""
    day = FIRST + timedelta(days=offset)
    rng = np.random.default_rng(day.toordinal())
    table = day_table(day, ROWS)
    towns = np.where(rng.random(ROWS) < 0.25, rng.integers(100, 10**9, ROWS), rng.integers(0, 100, ROWS))
    return (
        table.append_column("zip", pa.array([f"{code:05}" for code in rng.integers(0, 1_500, ROWS)]))
        .append_column("street", pa.array([f"{code:05}" for code in rng.choice(4_000, ROWS, p=ZIPF / ZIPF.sum())]))
        .append_column("town", pa.array([f"t{town}" for town in towns]))
        .append_column("who", pa.array(["anna"] * ROWS))
    )


def with_values(table: pa.Table, column: str, values: list[str]) -> pa.Table:
    """Replace the first values of a column."""
    rest = table.column(column).to_pylist()[len(values) :]
    return table.set_column(table.column_names.index(column), column, pa.array([*values, *rest]))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    archive = BaseArchive(tmp_path_factory.mktemp("new"), ("    country: {type: category}\n", COLUMNS))
    # the code is of the reference
    past = [table_of(-back) for back in range(REFERENCE, 0, -1)]
    past[0] = with_values(past[0], "street", [RARE])
    past[1] = with_values(past[1], "street", [RARE])
    archive.write("reference/part-0.parquet", pa.concat_tables(past))
    days = [table_of(offset) for offset in range(4)]
    days[2] = with_values(days[2], "country", ["", "XX", "XX", "XX"])
    days[3] = with_values(days[3], "street", [RARE] * GAINED)
    with ExitStack() as stack:
        opened = stack.enter_context(archive.opened(hash_key=b"key"))
        for offset, table in enumerate(days):
            archive.write_day(day_of(offset), table)
            run_day(opened, day_of(offset))
        yield opened


def alerts_of(run: Run, offset: int) -> dict[tuple[str, str | None], Alert]:
    return {(one.metric, one.column): one for one in run.store.alerts(run.model, day_of(offset), day_of(offset))}


def verdict_of(run: Run, offset: int, column: str) -> Verdict:
    verdicts = run.store.verdicts(run.partition(day_of(offset)))
    return next(one for one in verdicts if one.key == ("new_category_rate", column, None))


@pytest.mark.parametrize("offset", [0, 1])
def test_quiet_days_bring_known_codes_and_the_usual_new_ones(run, offset):
    """NannyML/nannyml #292: postcodes, of which there are thousands."""
    assert alerts_of(run, offset) == {}
    # nearly every code is known, though two thirds alone are in the vocabulary
    assert verdict_of(run, offset, "zip").value < 0.05
    assert verdict_of(run, offset, "town").value == pytest.approx(0.25, abs=0.1)


def test_new_values_of_a_closed_column_are_named_and_those_of_an_open_one_are_not(run):
    alerts = alerts_of(run, 2)

    assert {column for _, column in alerts} == {"country"}
    for metric in ("new_category_rate", "drift_score"):
        assert alerts[metric, "country"].text.endswith("; new values 'XX' (3 rows), '' (1 row)")
    assert alerts["new_category_rate", "country"].title.endswith(": new values 'XX' (3 rows), '' (1 row)")
    [rate] = [one for one in run.store.metric_values(run.partition(day_of(2))) if one.key[:2] == KEY]
    assert rate.new_values == (("XX", 3), ("", 1))


def test_known_code_beyond_the_vocabulary_that_gains_is_found_and_named(run):
    """NannyML/nannyml #292: postcodes, of which one takes over."""
    alerts = alerts_of(run, 3)

    assert {*alerts} == {("drift_score", "street")}
    assert f"{100 * GAINED / ROWS:.2g} % of the values are '{RARE}'" in alerts["drift_score", "street"].text

"""Every query that Grafana's dashboards ask of the store, on real databases with days of a fleet in them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import sqlalchemy as sa

from airflow_mlmon.store.metric_store import MetricStore
from tests.support.grafana.answers import Rows, from_store
from tests.support.grafana.dashboards import NAMES, Query, Shown, queries
from tests.support.grafana.fleet import DRIFTED, FAILED, FIRST, MODELS, NO_DATA, PARTIAL, TRACE, nights
from tests.support.mariadb import fresh_mariadb
from tests.support.postgres import fresh_database

pytestmark = pytest.mark.service

DAYS = 9
_OF_STORE = [(name, query) for name in NAMES for query in queries(name) if query.source == "store"]


@pytest.fixture(scope="module", params=["postgres", "mariadb"])
def engine(request):
    server = request.getfixturevalue(request.param)
    url = fresh_database(server) if request.param == "postgres" else fresh_mariadb(server)
    with MetricStore(url) as store:
        assert len(list(nights(store, DAYS))) == DAYS
        yield store._database.engine


@pytest.fixture
def shown() -> Shown:
    since = datetime.combine(FIRST, time(), UTC)
    everything = {"team": (*{team or "(none)" for team, _ in MODELS.values()},), "model": tuple(MODELS)}
    return Shown(since=since, until=since + timedelta(days=DAYS + 1), values=everything)


def one(shown: Shown, model: str, metric: str = "score_mean") -> Shown:
    return Shown(since=shown.since, until=shown.until, values={"model": model, "metric": metric})


def asked(engine: sa.Engine, shown: Shown, panel: str) -> Rows:
    [query] = [query for _, query in _OF_STORE if query.panel == panel][:1]
    return from_store(engine, query, shown)


@pytest.mark.parametrize(("name", "query"), [pytest.param(*one, id=f"{one[0]}: {one[1].panel}") for one in _OF_STORE])
def test_query_has_rows(engine, shown, name, query: Query):
    found = from_store(engine, query, one(shown, DRIFTED) if name == "model" else shown)

    assert found.values
    assert len(set(found.columns)) == len(found.columns)


def test_every_day_of_every_model_has_its_status(engine, shown):
    found = asked(engine, shown, "Days")

    numbers = {model: [number for _, name, number in found.values if name == model] for model in MODELS}
    assert numbers[DRIFTED] == [0] * DAYS
    assert numbers[FAILED] == [0] * (DAYS - 1) + [4]
    assert 1 in numbers[PARTIAL]
    assert 3 in numbers[NO_DATA]


def test_team_with_a_quote_in_its_name_is_chosen(engine, shown):
    chosen = Shown(since=shown.since, until=shown.until, values={"team": ("O'Brien's", "(none)")})

    found = asked(engine, chosen, "$model")

    assert [model for (model,) in found.values] == ["credit_limit", "default_risk", "support_topic"]


def test_a_breach_is_drawn_beside_what_was_expected(engine, shown):
    found = asked(engine, one(shown, DRIFTED), "$metric")

    assert found.columns == ("time", "observed", "expected", "lowest", "highest", "breach")
    assert [row[-1] is not None for row in found.values] == [row[1] > row[4] for row in found.values]
    assert found.values[-1][-1] == pytest.approx(found.values[-1][1])


def test_columns_that_drifted_most_come_first(engine, shown):
    found = asked(engine, one(shown, DRIFTED), "Drift by column")

    states = {column: [state for _, name, state in found.values if name == column] for _, column, _ in found.values}
    assert states["amount"].count(0) == 5
    assert states["balance"] == [1] * DAYS


def test_failed_step_leads_to_its_trace(engine, shown):
    found = asked(engine, shown, "Failed steps")

    assert [(row[0], row[2], row[3], row[6]) for row in found.values] == [
        (FAILED, "load_druid", "ServiceUnavailableError", TRACE)
    ]


def test_other_days_are_left_out(engine, shown):
    later = Shown(since=shown.until, until=shown.until + timedelta(days=9), values=shown.values)

    assert asked(engine, later, "Days").values == ()

"""Days in a row that are evaluated by their history: an incident that lasts, what people accept, and replays.

A day of the past never came. Then a new version of the model arrives together with other data, which stay: twelve
days on which the amounts are three times as high and most rows come by phone, far more than a history has. Then
somebody calls that normal. On the last day half of the rows are missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.pipeline.history.calibrate import calibrate
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Action, ActionKind, AlertState, SubjectKey, Verdict, VerdictState, fingerprint_of
from airflow_mlmon.tasks.registry import METRICS
from tests.support.archive import FIRST, day_table, partition, replace_columns
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

ABSENT, BROKEN, ACCEPTED, HALF = 1, 3, 15, 17
ROWS = 300
SPEC = (
    ("history: {days: 10, minimum: 5}\n", "history: {days: 6, minimum: 3}\nbaseline: {trailing: 4}\n"),
    (
        """\
alerts:
  rules:
    - {metric: score_mean, history: {deviations: 5, floor: 0.02}}
    - {metric: null_rate, max: 0.3}
    - {metric: positive_rate, history: {deviations: 5, floor: 0.05}}
""",
        "",
    ),
)
AMOUNT, CHANNEL = ("drift_score", "amount", None), ("drift_score", "channel", None)


def broken(table: pa.Table) -> pa.Table:
    """The amounts in another currency, most rows by phone, and all scored by the second version."""
    by_phone = np.arange(table.num_rows) % 2 == 0
    columns = {
        "amount": pc.multiply(table.column("amount"), 3.0),
        "channel": pc.if_else(pa.array(by_phone), "phone", table.column("channel")),
        "score": pc.sqrt(table.column("score")),
        "approved": pc.greater(pc.sqrt(table.column("score")), 0.5),
        "version": pa.array(["v2"] * table.num_rows),
    }
    return replace_columns(table, **columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("evaluated")


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    archive = local_archive(folder, 0)
    archive.write_reference(rows=ROWS)
    for offset in set(range(HALF + 1)) - {ABSENT}:
        day = FIRST + timedelta(days=offset)
        archive.write_day(day, rows=ROWS)
        table = day_table(day, ROWS)
        if offset >= BROKEN:
            archive.write_predictions(day, broken(table).slice(0, ROWS // 2 if offset == HALF else ROWS))
    (folder / "loans.yaml").write_text(archive.spec_text(*SPEC))
    with opened(folder, archive, *SPEC) as run:
        for offset in range(HALF + 1):
            if offset == ABSENT:
                run_partition(run, partition(offset))
            else:
                evaluate_day(run, partition(offset))
            if offset == ACCEPTED:
                for key in (AMOUNT, CHANNEL):
                    accept(run, key, partition(offset).day)
        yield run


@pytest.fixture(scope="module")
def nightly(run: Run) -> dict[date, list[Verdict]]:
    """The verdicts as the days left them, before any test evaluates again."""
    return {partition(offset).day: verdicts(run, offset) for offset in range(HALF + 1)}


def accept(run: Run, key: SubjectKey, day: date) -> TrackedAlert:
    """What `mlmon alerts resolve --accept` does."""
    because = {"who": "ada", "why": "a new currency", "at": datetime(2026, 4, 1, tzinfo=UTC)}
    action = Action(kind=ActionKind.ACCEPT, day=day, **because)
    [found] = run.store.act(run.model, [fingerprint_of(run.model, *key)], action, policy=run.policy)
    return found


def verdicts(run: Run, offset: int) -> list[Verdict]:
    """Those on the rows: what is expected of labels rests on labels that have come since."""
    found = run.store.verdicts(partition(offset))
    return [one for one in found if one.metric not in METRICS or not METRICS[one.metric].needs_labels]


def breaches(found: list[Verdict]) -> set[SubjectKey]:
    return {verdict.key for verdict in found if verdict.state is VerdictState.BREACH}


def of_day(nightly: dict[date, list[Verdict]], offset: int) -> dict[SubjectKey, Verdict]:
    return {verdict.key: verdict for verdict in nightly[partition(offset).day]}


def test_healthy_days_are_healthy(nightly):
    found = [breaches(nightly[partition(offset).day]) for offset in range(BROKEN)]

    assert found == [set(), {("status", None, None)}, set()]


@pytest.mark.parametrize("key", [AMOUNT, CHANNEL], ids=["amount", "channel"])
def test_incident_that_lasts_is_in_breach_until_somebody_accepts_it(nightly, key):
    days = [offset for offset in range(HALF + 1) if key in breaches(nightly[partition(offset).day])]

    assert days == list(range(BROKEN, ACCEPTED + 1))


def test_long_incident_looks_further_back(nightly):
    """It is evaluated by the days before it, of which one never came; being few, by the baseline too."""
    assert [of_day(nightly, offset)[AMOUNT].history for offset in (BROKEN + 1, ACCEPTED, ACCEPTED + 1)] == [None, 5, 6]


def test_incident_is_one_alert_and_accepting_it_resolves_it(run):
    found = [one for one in run.store.tracked_alerts("loans") if (one.metric, one.column, one.segment) == AMOUNT]

    assert [(one.state, one.since, one.days, one.resolved_by) for one in found] == [
        (AlertState.RESOLVED, partition(BROKEN).day, ACCEPTED - BROKEN + 1, "ada")
    ]


def test_day_that_never_came_does_not_hide_that_rows_are_missing(nightly):
    rows = ("rows", None, None)

    assert [offset for offset in range(HALF + 1) if rows in breaches(nightly[partition(offset).day])] == [HALF]
    assert of_day(nightly, ABSENT + 1)[rows].expected == pytest.approx(ROWS)


def test_new_version_is_evaluated_by_its_own_days_however_far_one_looks_back(nightly):
    found = [of_day(nightly, BROKEN + past)["score_mean", None, None] for past in (1, 2, 3, 6)]

    assert [one.note or one.history for one in found] == [
        "1 days of history, fewer than 3",
        "2 days of history, fewer than 3",
        3,
        6,
    ]
    assert [one.state for one in found[2:]] == [VerdictState.OK] * 2


def test_what_a_new_version_puts_out_is_not_compared_with_what_the_old_one_did(nightly):
    """Also where a moving baseline has some days of both."""
    drift = [of_day(nightly, BROKEN + past)["drift_score", "score", None] for past in (0, 1, 2, 3, 6)]
    lacking = VerdictState.INSUFFICIENT_DATA

    assert [one.state for one in drift] == [lacking, lacking, lacking, VerdictState.OK, VerdictState.OK]
    assert "score" not in {column for found in nightly.values() for _, column, _ in breaches(found)}


def test_evaluated_again_the_verdicts_are_the_same(run, nightly):
    """Also those on days before somebody called them normal."""
    outcomes = [day.outcome for day in reevaluate(run, partition(2).day, partition(HALF).day)]

    assert set(outcomes) == {Outcome.EVALUATED}
    assert {partition(offset).day: verdicts(run, offset) for offset in range(HALF + 1)} == nightly


def replayed(run: Run, *changes: dict[str, float]) -> list[dict[date, set[SubjectKey]]]:
    """What each sensitivity found in breach, by the day."""
    own = run.spec.alerts.evaluation
    policies = [own.model_copy(update=change) for change in changes]
    found: list[dict[date, set[SubjectKey]]] = [{} for _ in policies]
    for day, replays in calibrate(run, FIRST, partition(HALF).day, policies):
        for one, replay in zip(found, replays, strict=True):
            rows = [each for each in (*replay.opened, *replay.lasting) if not METRICS[each.metric].needs_labels]
            one[day] = breaches(rows)
    return found


def test_replay_finds_what_the_days_found(run, nightly):
    [own] = replayed(run, {})
    expected = {day: breaches(found) for day, found in nightly.items() if day != partition(ABSENT).day}

    assert own == expected


def test_calmer_replay_finds_no_more(run):
    calm, own, none = replayed(run, {"rate": 1e-6}, {}, {"rate": 0.0})

    assert all(calm[day] <= own[day] for day in own)
    assert sum(map(len, calm.values())) < sum(map(len, own.values()))
    assert not any(none.values())


@pytest.fixture
def spec(run, folder, monkeypatch) -> str:
    """The path of the spec, for commands on what the days have stored."""
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{folder / 'store.db'}")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", run.workspace)
    return str(folder / "loans.yaml")


def test_command_shows_the_replay(spec, capsys):
    days = ["--from", partition(BROKEN).key, "--to", partition(BROKEN + 1).key]

    code = main(["calibrate", spec, *days, "--rate", "0.05", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert code == 0
    assert [line["partition"] for line in lines] == [partition(BROKEN).key, partition(BROKEN + 1).key]
    [first], [second] = (line["sensitivities"] for line in lines)
    assert first.keys() == {"rate", "effect", "opened", "lasting"}
    assert first["opened"][0].keys() == {"metric", "column", "segment", "value", "expected", "p_value", "effect"}
    assert "amount" in {one["column"] for one in first["opened"]} & {one["column"] for one in second["lasting"]}

    assert main(["calibrate", spec, *days]) == 0
    table = capsys.readouterr().out
    assert "rate 0.05, effect 0.1: new alerts on 1 of 2 days" in table


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--from", "2026-07-01", "--to", "2026-07-03"], 1, "no day from 2026-07-01 to 2026-07-03 can be replayed"),
        (["--from", "2026-03-09", "--to", "2026-03-08"], 2, "ends (2026-03-08) before it begins (2026-03-09)"),
        (["--rate", "2"], 2, "rate: Input should be less than 0.5, not 2.0"),
        (["--effect", "-1"], 2, "effect: Input should be greater than or equal to 0, not -1.0"),
    ],
)
def test_command_says_why_there_is_no_replay(spec, capsys, arguments, code, words):
    assert main(["calibrate", spec, *arguments]) == code
    assert words in capsys.readouterr().err

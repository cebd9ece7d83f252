"""Accepted baselines on a small archive: they hold for days to come, and no past verdict changes."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.drift.compare import compare_profiles
from airflow_mlmon.errors import ConfigError, StateError
from airflow_mlmon.pipeline.baselines.accept import accept
from airflow_mlmon.pipeline.baselines.candidate import compare_candidate
from airflow_mlmon.pipeline.history.reprofile import reprofile
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.records import VerdictState
from airflow_mlmon.reports.page import render_day
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.tasks.registry import METRICS
from tests.support.archive import FIRST, Archive, day_table, partition
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, write_file

DAYS = 9
EVALUATED = 7
# the drift of the label is a drift_score too
BEFORE_LABELS = [name for name, metric in METRICS.items() if not metric.needs_labels and name != "drift_score"]
NOW = datetime(2026, 3, 8, 6, tzinfo=UTC)


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def dates(first: int, last: int) -> Baseline:
    return Baseline.model_validate({"dates": {"from": day(first), "to": day(last)}})


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A model of which seven days were evaluated, and two more are in the archive."""
    folder = tmp_path_factory.mktemp("pins")
    archive = local_archive(folder, DAYS)
    with opened(folder, archive) as run:
        for offset in range(EVALUATED):
            evaluate_day(run, partition(offset))
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    """A store and a workspace of the test's own; the archive is only read."""
    shutil.copy(made / "store.db", tmp_path)
    shutil.copytree(made / "workspace", tmp_path / "workspace")
    return tmp_path


@pytest.fixture
def archive(made) -> Archive:
    return Archive(str(made / "archive"), write_file)


@pytest.fixture
def run(folder, archive):
    with opened(folder, archive) as run:
        yield run


def accepted(run: Run, baseline: Baseline, **changes):
    given = {"version": None, "first": None, "who": "Ada", "why": "trained anew", "at": NOW}
    return accept(run, baseline, **(given | changes))


def said(run: Run, offset: int):
    """All that was said of the predictions of a day; what is said of labels changes when more of them come."""
    of = partition(offset)
    verdicts = [verdict for verdict in run.store.verdicts(of) if verdict.metric in {"status", *BEFORE_LABELS}]
    metrics = [value for value in run.store.metric_values(of) if value.metric in BEFORE_LABELS]
    return verdicts, metrics, run.store.compared_with(of)


class TestDays:
    def test_the_next_day_is_compared_with_what_was_accepted(self, run):
        pin = accepted(run, dates(0, 5))

        evaluate_day(run, partition(EVALUATED))

        [facts] = run.store.compared_with(partition(EVALUATED))
        assert (pin.first, facts.title, facts.pin) == (day(EVALUATED), f"{day(0)} to {day(5)}", 1)
        assert list(facts.days) == [day(offset) for offset in range(6)]

    def test_past_days_keep_their_verdicts_when_they_are_redone(self, run):
        before = [said(run, offset) for offset in range(EVALUATED)]
        accepted(run, dates(0, 5))
        evaluate_day(run, partition(EVALUATED))

        for offset in range(EVALUATED):
            evaluate_day(run, partition(offset))

        assert [said(run, offset) for offset in range(EVALUATED)] == before

    def test_past_drift_stays_when_a_day_is_profiled_again(self, run):
        before = said(run, 6)
        accepted(run, dates(0, 5))
        state = run.store.state(partition(6))
        run.store.replace_profile(partition(6), state.version, "0" * 12, [], replaces=["drift_score"], baselines=[])

        list(reprofile(run, day(6), day(6)))

        assert said(run, 6) == before

    def test_a_day_to_come_leaves_the_days_before_it_alone(self, run):
        accepted(run, dates(0, 5), first=day(8))

        titles = {}
        for offset in (7, 8):
            evaluate_day(run, partition(offset))
            titles[offset] = [facts.title for facts in run.store.compared_with(partition(offset))]

        assert titles == {7: ["the reference"], 8: [f"{day(0)} to {day(5)}"]}

    def test_a_column_keeps_the_baseline_that_the_spec_gives_it(self, folder, archive):
        with opened(folder, archive, ("\nhistory:", "\nbaselines: {term: {trailing: 6}}\nhistory:")) as run:
            accepted(run, Baseline(trailing=6))
            evaluate_day(run, partition(EVALUATED))
            facts = run.store.compared_with(partition(EVALUATED))

        assert {entry.pin: entry.columns for entry in facts} == {
            1: ("amount", "channel", "score", "approved", "id.length", "id.shape"),
            None: ("term",),
        }

    def test_a_pin_of_a_version_is_not_the_model_s(self, run):
        accepted(run, dates(0, 5), version="v1")

        evaluate_day(run, partition(EVALUATED))

        assert [facts.title for facts in run.store.compared_with(partition(EVALUATED))] == ["the reference"]

    def test_the_page_names_who_accepted_the_baseline_and_why(self, run):
        accepted(run, dates(0, 5), who="<b>Ada</b>", why='March "data"\n<script>x</script>')
        evaluate_day(run, partition(EVALUATED))

        html = render_day(day_page(run, partition(EVALUATED)))

        assert f"against <bdi>{day(0)} to {day(5)}</bdi>" in html
        assert f"accepted by <bdi>&lt;b&gt;Ada&lt;/b&gt;</bdi>, from {day(EVALUATED)} on" in html
        assert "on: <bdi>March &#34;data&#34; &lt;script&gt;x&lt;/script&gt;</bdi>" in html
        assert "<script" not in html


class TestRefusals:
    @pytest.mark.parametrize("offset", [0, EVALUATED - 1])
    def test_a_day_that_was_evaluated_is_refused(self, run, offset):
        with pytest.raises(
            StateError, match=f"would change the verdicts of {day(EVALUATED - 1)}, which is already evaluated"
        ):
            accepted(run, dates(0, 5), first=day(offset))

    def test_too_few_days_are_refused_and_the_missing_ones_named(self, run):
        with pytest.raises(StateError) as caught:
            accepted(run, dates(-20, -9))

        assert str(caught.value).startswith(
            f"{day(-20)} to {day(-9)}: 4 profiled days, at least 5 are needed. "
            f"Missing: {day(-20)} to {day(-13)} (no profile)."
        )

    def test_a_short_range_is_refused(self, run):
        with pytest.raises(StateError, match="4 profiled days, at least 5 are needed"):
            accepted(run, dates(1, 4))

    @pytest.mark.parametrize(
        "baseline",
        [Baseline(previous=True), Baseline(trailing=3), Baseline(same_weekday=2), Baseline(reference=True)],
        ids=lambda baseline: baseline.kind,
    )
    def test_a_form_that_asks_for_few_days_needs_those(self, run, baseline):
        assert accepted(run, baseline).baseline == baseline

    def test_a_missing_day_of_the_few_is_refused(self, run):
        run.store.record_failure(partition(4), "broken")

        with pytest.raises(StateError, match=f"2 profiled days, .* 3 are needed. Missing: {day(4)} .run failed"):
            accepted(run, Baseline(trailing=3))

    def test_a_range_that_would_still_grow_is_refused(self, run):
        with pytest.raises(ConfigError, match="after the last evaluated day"):
            accepted(run, dates(0, EVALUATED))

    @pytest.mark.parametrize("changes", [{"why": " "}, {"who": ""}, {"version": ""}], ids=str)
    def test_empty_text_is_refused(self, run, changes):
        with pytest.raises(ConfigError, match="is empty"):
            accepted(run, dates(0, 5), **changes)

    def test_a_version_needs_a_column(self, folder, archive):
        with (
            opened(folder, archive, ("type: category, role: version", "type: category")) as run,
            pytest.raises(ConfigError, match="no column with `role: version`"),
        ):
            accepted(run, Baseline(reference=True), version="v1")

    def test_what_is_refused_is_not_kept(self, run):
        with pytest.raises(StateError):
            accepted(run, dates(1, 4))

        assert run.store.baselines("loans") == []


class TestCandidate:
    def test_the_drift_is_that_of_the_two_sums(self, run):
        found = compare_candidate(run, dates(0, 5))

        reference = ensure_reference(run)
        days = [profile_table(day_table(day(offset)), reference.schema) for offset in range(6)]
        expected = compare_profiles(
            reference.schema,
            reference.profile,
            sum_profiles(reference.schema, days),
            method="psi",
        )
        assert found.columns == expected
        # past days show how single days vary, and neither side is one
        assert {(one.state, one.history) for one in found.verdicts.values()} == {(VerdictState.OK, None)}
        assert found.drifted == 0
        assert (found.before.profile.rows, found.after.profile.rows) == (960, 480)
        assert list(found.after.facts.days) == [day(offset) for offset in range(6)]

    def test_it_is_measured_from_the_pin_in_force(self, run):
        accepted(run, dates(0, 5))

        found = compare_candidate(run, Baseline.model_validate({"dates": dates(0, 5).dates}))

        assert found.held.pin.number == 1
        assert {column.score for column in found.columns} == {0.0}

    def test_a_version_is_measured_from_its_own(self, run):
        accepted(run, dates(0, 5), version="v1")

        assert compare_candidate(run, dates(0, 5), "v1").held.pin.number == 1
        assert compare_candidate(run, dates(0, 5)).held.pin is None

    def test_what_recent_days_share_with_it_is_drift_from_the_one_in_force(self, tmp_path):
        archive = Archive(str(tmp_path / "archive"), write_file)
        archive.write_all(4, shift=0.3)
        with opened(tmp_path, archive) as run:
            for offset in range(4):
                evaluate_day(run, partition(offset))

            found = compare_candidate(run, dates(0, 3))

        assert {name for name, one in found.verdicts.items() if one.state is VerdictState.BREACH} >= {"score"}
        assert found.verdicts["score"].rule == "sampling error only"

    def test_nothing_is_kept(self, run):
        compare_candidate(run, dates(0, 5))

        assert run.store.baselines("loans") == []

    def test_columns_that_no_pin_moves_are_named(self, folder, archive):
        with opened(folder, archive, ("\nhistory:", "\nbaselines: {term: previous}\nhistory:")) as run:
            found = compare_candidate(run, dates(0, 5))

        assert "term" not in {column.column for column in found.columns}
        assert found.own == {"term": Baseline(previous=True)}

    def test_without_days_no_column_is_evaluated(self, run):
        found = compare_candidate(run, dates(30, 40))

        assert found.drifted is None
        assert found.evidence.shortage.startswith(f"{day(30)} to {day(40)}: 0 profiled days, at least 5")


@pytest.fixture
def at_home(folder, archive, monkeypatch) -> Path:
    (folder / "loans.yaml").write_text(archive.spec_text())
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{folder}/store.db")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", str(folder / "workspace"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.chdir(folder)
    return folder


RANGE = ("--dates", str(day(0)), str(day(5)))


@pytest.mark.usefixtures("at_home")
class TestCommands:
    def test_accept_says_what_holds_from_when(self, capsys):
        assert main(["baseline", "accept", "loans.yaml", *RANGE, "--why", "trained anew"]) == 0

        assert capsys.readouterr().out.splitlines() == [
            f"From {day(7)} on, loans is compared with {day(0)} to {day(5)}.",
            "Pin 1, accepted by ada: trained anew",
        ]

    def test_accept_says_which_pin_never_comes_to_hold(self, capsys):
        call = ["baseline", "accept", "loans.yaml", *RANGE, "--why", "x", "--json"]
        main([*call, "--from", str(day(30))])
        main([*call, "--from", str(day(20)), "--version", "v1"])
        main([*call, "--from", str(day(20))])

        assert [json.loads(line)["cancels"] for line in capsys.readouterr().out.splitlines()] == [[], [], [1]]

    def test_list_shows_the_history_and_what_is_in_force(self, capsys):
        main(["baseline", "accept", "loans.yaml", "--trailing", "6", "--why", "x"])
        main(["baseline", "accept", "loans.yaml", "--previous", "--why", "y", "--by", "Ben", "--version", "v1"])
        main(["baseline", "accept", "loans.yaml", "--reference", "--why", "z", "--from", str(day(20))])
        capsys.readouterr()

        assert main(["baseline", "list", "loans.yaml", "--json"]) == 0

        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(entry["number"], entry["version"], entry["title"], entry["state"]) for entry in found] == [
            (None, None, "the reference", "replaced"),
            (1, None, "the trailing 6 days", "in force"),
            (2, "v1", "the day before", "in force"),
            (3, None, "the reference", "to come"),
        ]
        assert (found[2]["who"], found[2]["why"], found[2]["baseline"]) == ("Ben", "y", {"previous": True})

    def test_text_of_people_takes_one_line_and_no_markup(self, capsys):
        main(["baseline", "accept", "loans.yaml", *RANGE, "--why", "two\nlines [red]x[/red] \x1b[31m", "--by", "[b]A"])
        main(["baseline", "list", "loans.yaml"])

        out = capsys.readouterr().out
        assert "accepted by [b]A: two lines [red]x[/red] \ufffd[31m" in out
        assert "\x1b" not in out
        assert sum("[b]A" in line and "two lines" in line for line in out.splitlines()) == 2

    def test_diff_prints_both_sides_and_every_column(self, capsys):
        assert main(["baseline", "diff", "loans.yaml", *RANGE]) == 0

        out = capsys.readouterr().out
        assert "in force:  the reference: 12 of 12 days, 960 rows" in out
        assert f"candidate: {day(0)} to {day(5)}: 6 of 6 days, 480 rows" in out
        assert all(name in out for name in ("amount", "term", "channel", "score", "approved"))
        assert "0 of 7 columns have drifted from the baseline in force" in out

    def test_diff_prints_json(self, capsys):
        main(["baseline", "diff", "loans.yaml", *RANGE, "--json"])

        found = json.loads(capsys.readouterr().out)
        assert (found["in_force"]["rows"], found["candidate"]["rows"], found["drifted_columns"]) == (960, 480, 0)
        assert [one_day["partition"] for one_day in found["candidate"]["days"]] == [str(day(n)) for n in range(6)]
        assert {"column", "score", "effect", "p_value", "rows_in_force", "rows_candidate", "state"} <= set(
            found["columns"][0]
        )

    def test_diff_without_days_exits_with_1(self, capsys):
        assert main(["baseline", "diff", "loans.yaml", "--dates", str(day(30)), str(day(40))]) == 1
        assert "No column could be evaluated." in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            pytest.param(["--trailing", "0"], 2, "--trailing: .* greater than or equal to 2, not 0", id="zero"),
            pytest.param(["--same-weekday", "99"], 2, "--same-weekday: .* less than or equal to 60", id="too-many"),
            pytest.param(["--dates", str(day(5)), str(day(0))], 2, "--dates: to: the range ends", id="backwards"),
            pytest.param(["--dates", "soon", "later"], 2, "'soon' is not a day", id="no-day"),
            pytest.param([*RANGE, "--from", str(day(3))], 1, "would change the verdicts", id="evaluated"),
            pytest.param(["--dates", str(day(1)), str(day(3))], 1, "3 profiled days, at least 5", id="too-few"),
        ],
    )
    def test_a_refusal_says_why_in_a_line(self, capsys, arguments, code, message):
        assert main(["baseline", "accept", "loans.yaml", "--why", "x", *arguments]) == code

        captured = capsys.readouterr()
        assert captured.out == ""
        assert len(captured.err.splitlines()) == 1
        assert re.search(message, captured.err)

    @pytest.mark.parametrize(
        "arguments", [["--why", "x"], ["--reference"], ["--reference", "--previous", "--why", "x"]], ids=str
    )
    def test_a_call_without_a_form_or_a_reason_is_wrong(self, arguments):
        assert main(["baseline", "accept", "loans.yaml", *arguments]) == 2

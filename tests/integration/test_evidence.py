"""An evidence bundle says what the store holds of a model's days, what is missing, and nothing that is private."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError, NotFoundError, PartitionConflictError
from airflow_mlmon.fleet import BundleEntry
from airflow_mlmon.pipeline.evidence_bundle.differences import compare_bundles
from airflow_mlmon.pipeline.evidence_bundle.make import make_bundle
from airflow_mlmon.pipeline.evidence_bundle.verify import verify_bundle
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.pipeline.retention.prune import plan_pruning, prune
from airflow_mlmon.reports.regulation import DUTIES, FURTHER_FILES, RECORDS
from airflow_mlmon.spec.retention import Stored
from tests.support.archive import FIRST, Archive, partition
from tests.support.browser import chromium, visit
from tests.support.evidence import (
    ALERTING,
    FORGOTTEN,
    NOW,
    RUN_DAYS,
    SECRET,
    act,
    contents,
    make_model,
    opened_model,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, Archive]:
    folder = tmp_path_factory.mktemp("model")
    archive = make_model(folder)
    with opened_model(folder, archive) as run:
        make_bundle(run, FIRST, FORGOTTEN, folder / "evidence.zip")
    return folder, archive


@pytest.fixture(scope="module")
def files(made) -> dict[str, bytes]:
    return contents(made[0] / "evidence.zip")


@pytest.fixture
def copied(made, tmp_path) -> tuple[Path, Archive]:
    """A copy of the model, which a test may change."""
    folder = tmp_path / "copy"
    shutil.copytree(made[0], folder)
    return folder, made[1]


def records(files: dict[str, bytes], name: str) -> list[dict]:
    return [json.loads(line) for line in files[name].splitlines()]


def test_the_same_content_gives_the_same_bytes(made, tmp_path):
    folder, archive = made
    with opened_model(folder, archive) as run:
        again = make_bundle(run, FIRST, FORGOTTEN, tmp_path / "again.zip")
        signed = make_bundle(run, FIRST, FORGOTTEN, tmp_path / "signed.zip", lambda _: b"s" * 64)

    assert (tmp_path / "again.zip").read_bytes() == (folder / "evidence.zip").read_bytes()
    assert signed.head == again.head
    assert list(tmp_path.glob(".*")) == []


def test_a_sound_bundle_has_no_fault_and_no_difference_to_itself(made):
    path = made[0] / "evidence.zip"

    found = verify_bundle(path)

    assert found.faults == ()
    assert found.files == len(contents(path)) - 2
    assert compare_bundles(path, path) == []


def test_every_record_of_the_list_is_a_file_and_every_file_is_in_the_list(files):
    patterns = {
        name: re.escape(record.file).replace("<id>", "[0-9a-f]{16}").replace("<day>", r"\d{4}-\d\d-\d\d")
        for name, record in RECORDS.items()
    }
    further = [re.escape(name) for name in FURTHER_FILES]

    assert [name for name, pattern in patterns.items() if not any(re.fullmatch(pattern, file) for file in files)] == []
    assert [file for file in files if not re.fullmatch("|".join([*patterns.values(), *further]), file)] == []
    assert {name for duty in DUTIES for name in duty.records} == RECORDS.keys()


def test_every_day_has_its_verdicts_checks_metrics_and_hashes_as_they_are_stored(made, files):
    folder, archive = made
    days = {one["day"]: one for one in records(files, "days.jsonl")}
    with opened_model(folder, archive) as run:
        for offset in range(RUN_DAYS):
            of = partition(offset)
            verdicts = records(files, f"days/{of.key}/verdicts.jsonl")
            stored = run.store.verdicts(of)
            assert [(one["metric"], one["p_value"], one["effect"], one["low"], one["high"]) for one in verdicts] == [
                (one.metric, one.p_value, one.effect, one.low, one.high) for one in stored
            ]
            metrics = records(files, f"days/{of.key}/metrics.jsonl")
            assert [(one["metric"], one["value"], one["low"]) for one in metrics] == [
                (one.metric, one.value, one.low) for one in run.store.metric_values(of)
            ]
            assert len(records(files, f"days/{of.key}/checks.jsonl")) == len(run.store.checks(of))
            state = run.store.state(of)
            manifest = json.loads(files[f"days/{of.key}/manifest.json"])
            assert [days[of.key][name] for name in ("status", "version", "rows_accepted")] == ["OK", state.version, 80]
            assert manifest["version"] == state.version
            assert {len(file["sha256"]) for file in manifest["files"]} == {64}
            assert days[of.key]["plans"]["predictions"] == run.plan.id
    assert days[str(ALERTING)]["breaches"] > 0


def test_it_says_who_did_what_and_why(files):
    deeds = records(files, "people.jsonl")

    assert [(one["kind"], one["who"], one["why"], one["day"]) for one in deeds] == [
        ("ack", "ann", "a <b>campaign</b>", str(ALERTING)),
        ("forget", "ann", "run by mistake", str(FORGOTTEN)),
        ("accept_baseline", "bob", "new prices", str(FORGOTTEN)),
    ]
    assert deeds[2]["baseline"]["trailing"] == 3
    [acknowledged] = [one for one in records(files, "incidents.jsonl") if one["acknowledged_by"]]
    assert (acknowledged["acknowledged_by"], acknowledged["state"]) == ("ann", "acknowledged")
    messages = records(files, "messages.jsonl")
    assert {one["channel"] for one in messages} == {"log", "notifier:a.b.C#1"}
    assert {one["fingerprint"] for one in messages} <= {one["fingerprint"] for one in records(files, "alerts.jsonl")}
    # the labels that came on the forgotten day are those of days that stay
    assert [one["day"] for one in records(files, "label_deliveries.jsonl")] == [f"2026-03-0{n}" for n in (2, 3, 4, 5)]


def test_the_plan_is_the_spec_with_its_defaults_and_no_secret_or_row_is_anywhere(files):
    [plan] = [json.loads(content) for name, content in files.items() if name.startswith("plans/")]

    assert plan["spec"]["alerts"]["evaluation"]["rate"] == 0.05
    assert plan["spec"]["alerts"]["channels"][0]["arguments"] == {"password": "***", "text": "***"}
    assert plan["channels"] == ["log", "notifier:a.b.C#1"]
    assert plan["software"]["airflow-mlmon"]
    for name, content in files.items():
        assert SECRET.encode() not in content, name
        # an id, and a personal value
        assert f"{FIRST}-00001".encode() not in content, name
        assert b"@example.com" not in content, name


def test_a_forgotten_day_and_one_that_was_not_run_are_missing_by_name(made, files, tmp_path):
    assert records(files, "gaps.jsonl") == [
        {"day": str(FORGOTTEN), "what": "the day", "why": "it was forgotten; see what people did"}
    ]
    folder, archive = made
    before, after = FIRST - timedelta(days=60), FORGOTTEN + timedelta(days=1)
    with opened_model(folder, archive) as run:
        found = make_bundle(run, ALERTING, after, tmp_path / "longer.zip").gaps
        assert [(gap.day, gap.why) for gap in found][1:] == [(after, "it was not run")]
        found = make_bundle(run, before, FIRST, tmp_path / "earlier.zip").gaps
        assert (found[0].why, found[-1].what) == (
            "before the start of the monitoring, 2026-03-01",
            "rows, files and verdicts",
        )
        with pytest.raises(NotFoundError, match="has a record"):
            make_bundle(run, after, after, tmp_path / "none.zip")
        with pytest.raises(ConfigError, match="exists"):
            make_bundle(run, FIRST, FORGOTTEN, folder / "evidence.zip")


def test_the_limits_in_force_are_known_by_day_after_the_spec_has_changed(copied, tmp_path):
    folder, archive = copied
    stricter = ("{metric: null_rate, max: 0.3}", "{metric: null_rate, max: 0.2}")
    with opened_model(folder, archive, stricter) as run:
        assert len(list(reevaluate(run, FIRST, FIRST))) == 1
        make_bundle(run, FIRST, FORGOTTEN, tmp_path / "two.zip")
    files = contents(tmp_path / "two.zip")
    plans = {name[6:-5]: json.loads(content) for name, content in files.items() if name.startswith("plans/")}

    limits = {
        day["day"]: plans[day["plans"]["predictions"]]["spec"]["alerts"]["rules"][1]["max"]
        for day in records(files, "days.jsonl")
        if day["status"]
    }
    assert list(limits.values()) == [0.2, *[0.3] * (RUN_DAYS - 1)]
    page = files["README.html"].decode()
    assert "2026-03-02 to 2026-03-04" in page
    differences = compare_bundles(tmp_path / "two.zip", folder / "evidence.zip")
    assert all(line.startswith(f"{FIRST}: ") for line in differences)
    assert any("plans was" in line for line in differences)


def test_what_was_pruned_is_missing_by_name_and_is_kept_where_a_bundle_holds_it(copied, tmp_path):
    folder, archive = copied
    ages = ("\nhistory:", "\nretention: {metrics: 1, rows: 1}\nhistory:")
    long_after = NOW + timedelta(days=3000)
    entry = BundleEntry(first=FIRST, last=FIRST, head="a" * 64, is_held=True, who="ann", why="", at=NOW)
    with opened_model(folder, archive, ages) as run:
        # the evaluation of later days needs them for a year
        run.store.publish(
            replace(run.store.state(partition(RUN_DAYS - 1)), partition=partition(800)), [], supersedes=None
        )
        run.store.add_bundle("loans", replace(entry, first=FORGOTTEN, last=FORGOTTEN))
        run.store.add_bundle("loans", replace(entry, is_held=False))
        run.store.add_bundle("loans", entry)
        plan = plan_pruning(run, long_after)
        [metrics] = [one for one in plan if one.stored is Stored.METRICS]
        assert metrics.kept["an evidence bundle has them"] == {FIRST}
        assert FIRST + timedelta(days=1) in metrics.records
        prune(run, plan)
        found = make_bundle(run, FIRST, FIRST + timedelta(days=1), tmp_path / "pruned.zip").gaps

    said = {(gap.day, gap.what): gap.why for gap in found}
    assert said[FIRST + timedelta(days=1), "metrics"] == "deleted by the retention of 1 days"
    assert (FIRST, "metrics") not in said


def test_what_changes_later_in_the_store_differs_from_the_earlier_bundle(copied, tmp_path):
    folder, archive = copied
    with opened_model(folder, archive) as run:
        act(run, "eve", "nothing to see")
        run.store.record_failure(partition(1), "the archive did not answer")
        make_bundle(run, FIRST, FORGOTTEN, tmp_path / "later.zip")

    found = compare_bundles(tmp_path / "later.zip", folder / "evidence.zip")

    assert "2026-03-02: status was OK, is FAILED" in found
    assert "2026-03-02: message was , is the archive did not answer" in found
    [new] = [line for line in found if line.startswith("new: ")]
    assert "eve: ack of 2026-03-04 (nothing to see)" in new
    [gone] = [line for line in compare_bundles(folder / "evidence.zip", tmp_path / "later.zip") if "gone" in line]
    assert "eve" in gone


def test_a_day_that_is_redone_meanwhile_is_a_conflict_and_nothing_is_written(copied, tmp_path):
    folder, archive = copied
    with opened_model(folder, archive) as run:

        def interfere(_: str) -> None:
            run.store.record_failure(partition(0), "meanwhile")

        with pytest.raises(PartitionConflictError, match="try again"):
            make_bundle(replace(run, progress=interfere), FIRST, FORGOTTEN, tmp_path / "new.zip")

    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_the_page_has_no_script_and_texts_of_people_are_texts(files):
    page = files["README.html"].decode()

    assert "a &lt;b&gt;campaign&lt;/b&gt;" in page
    assert "<script" not in page
    assert "it was forgotten" in page
    assert "not legal advice" in page
    for name in RECORDS:
        assert f'id="record-{name}"' in page


@pytest.mark.service
def test_the_page_fits_a_phone_and_a_sheet_and_asks_for_nothing(files, tmp_path):
    path = tmp_path / "README.html"
    path.write_bytes(files["README.html"])

    with chromium() as browser:
        narrow, wide = visit(browser, path, width=390), visit(browser, path, pdf=True)

    assert narrow.width <= 390
    assert narrow.complaints == wide.complaints == []
    assert narrow.requests == []
    assert wide.sheets > 0


def test_the_commands_make_list_and_verify(copied, capsys, monkeypatch):
    folder, _ = copied
    places = ["--store", f"sqlite:///{folder}/store.db", "--workspace", str(folder / "workspace")]
    days = ["--from", str(FIRST), "--to", str(FORGOTTEN)]
    monkeypatch.chdir(folder)

    def call(*arguments: str) -> tuple[int, list[str]]:
        code = main(["evidence", *arguments])
        printed = capsys.readouterr()
        return code, (printed.out + printed.err).splitlines()

    code, said = call("loans.yaml", *days, "-o", "own.zip", "--by", "ann", "--why", "audit of March", *places)
    assert (code, said[0]) == (0, "own.zip: 4 days, 3 acts of people")
    assert said[1] == f"lacks the day of {FORGOTTEN}: it was forgotten; see what people did"
    head = said[2].removeprefix("head ")
    code, said = call("make", "loans.yaml", *days, "-o", "again.zip", "--by", "bob", "--json", *places)
    again = json.loads(said[0])
    assert (code, again["head"], again["signed"]) == (0, head, False)
    code, said = call("make", "loans.yaml", *days, "-o", "third.zip", *places)
    assert said[2].startswith("the same head as the bundle of these days by bob, ")
    code, said = call("list", "loans.yaml", *places)
    assert (code, len(said)) == (0, 6)
    assert said[0].endswith(" UTC by ann: audit of March")
    assert said[1] == f"  head {head}"

    code, said = call("verify", "own.zip", "--head", head, "--against", "again.zip")
    assert code == 0
    assert said[-1].endswith(f"files follow from the chain; no differences; head {head}")
    broken = Path("own.zip").read_bytes().replace(b"days.jsonl", b"dayz.jsonl")
    Path("broken.zip").write_bytes(broken)
    code, said = call("verify", "broken.zip")
    assert code == 1
    assert "The bytes of the archive are not those that were written." in said
    assert call("verify", "none.zip") == (2, ["none.zip: cannot read the bundle: No such file or directory."])
    assert call("make", "loans.yaml", *days, "-o", "own.zip", *places)[0] == 2

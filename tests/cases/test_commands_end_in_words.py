"""Calls of `mlmon` that cannot succeed: each ends with its exit code and in one line, and JSON stays JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.cli.stream import print_json, reserve_output
from tests.support.archive import to_bytes
from tests.support.base_day import FIRST, BaseArchive, day_of, day_table, run_day

RANGE = ("--from", "2026-03-01", "--to", "2026-03-02")


@pytest.fixture
def archive(tmp_path: Path) -> BaseArchive:
    made = BaseArchive(tmp_path)
    (tmp_path / "m.yaml").write_text(made.spec_text)
    return made


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """What a call returns and prints; nothing that nobody foresaw may be in it."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert "Unexpected" not in out + err
    assert "Traceback" not in out + err
    return code, out, err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "must be a mapping", id="empty"),
        pytest.param(b"\xff\xfe\x00", "not UTF-8 text", id="no text"),
        pytest.param(b"model: a\x00b\n", "not valid YAML", id="NUL"),
        pytest.param(b"a: " + b"[" * 3_000 + b"]" * 3_000, "nested too deeply", id="deep"),
        pytest.param(b"a: &a [*a]\nmodel: m\n", "contains itself", id="alias"),
        pytest.param(b"? [a, b]\n: c\nmodel: m\n", "unhashable key", id="key that is a list"),
        pytest.param(b"model: !!python/object:os.system x\n", "constructor", id="tag"),
    ],
)
def test_file_that_is_no_spec_is_said_at_its_line(tmp_path, capsys, content, said):
    """What a file may hold in the place of a spec."""
    spec = tmp_path / "m.yaml"
    spec.write_bytes(content)
    for arguments in (("check", spec), ("run", spec, "--partition", "2026-03-01"), ("reprofile", spec, *RANGE)):
        code, out, err = call(capsys, *arguments)
        assert code == 2
        assert said in out + err


@pytest.mark.parametrize("place", ["folder", "spec", "no folder"])
def test_store_that_is_none_is_named(archive, capsys, place):
    """A folder, or another file, in the place of a database."""
    spec = archive.folder / "m.yaml"
    path = {"folder": archive.folder, "spec": spec, "no folder": spec / "s.db"}[place]
    for arguments in (("run", spec, "--partition", "2026-03-01"), ("slice", spec, "--by", "country", *RANGE)):
        code, out, err = call(capsys, *arguments, "--store", f"sqlite:///{path}", "--workspace", archive.folder / "w")
        assert code == 1
        assert str(path if place != "no folder" else spec) in out + err


def test_workspace_that_is_a_file_is_named(archive, capsys):
    """A file in the place of the folder of the results."""
    spec, store = archive.folder / "m.yaml", f"sqlite:///{archive.folder / 'store.db'}"
    code, _, err = call(capsys, "run", spec, "--partition", "2026-03-01", "--store", store, "--workspace", spec)
    assert code == 1
    assert str(spec) in err


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        pytest.param(".json", b"[" * 3_000 + b"]" * 3_000, id="deep array"),
        pytest.param(".jsonl", b'{"a":' * 2_000 + b"1" + b"}" * 2_000 + b"\n", id="deep object"),
        pytest.param(".parquet", b"PAR1" + bytes(50) + b"PAR1", id="no footer"),
        pytest.param(".csv.gz", b"\x1f\x8b\x08bad", id="no gzip"),
        pytest.param(".avro", b"Obj\x01junk", id="no avro"),
    ],
)
def test_damaged_file_is_named(tmp_path, capsys, ending, content):
    """airbytehq/airbyte #1246: a line that the parser refuses; here nesting, and damage of other formats."""
    path = tmp_path / f"x{ending}"
    path.write_bytes(content)
    for arguments in (("compare", path, path), ("compare", "--json", path, path), ("init", path)):
        code, out, err = call(capsys, *arguments)
        assert code == 1
        assert path.name in out + err


@pytest.mark.parametrize(
    "options",
    [
        ("--limit", "nan"),
        ("--limit", "inf"),
        ("--limit", "-1"),
        ("--label", "flagged", "--prediction", "flagged"),
        ("--label", "flagged", "--score", "country"),
        ("--label", "flagged", "--score", "score", "--task", "regression"),
    ],
)
def test_options_that_cannot_be_meant_are_wrong_calls(tmp_path, capsys, options):
    """evidentlyai/evidently #330: an error from within in the place of a word on what was asked."""
    path = tmp_path / "x.parquet"
    path.write_bytes(to_bytes(day_table(FIRST)))
    code, out, _ = call(capsys, "compare", "--json", path, path, *options)
    assert code == 2
    assert json.loads(out)["error"] == "ConfigError"


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 3_000, "[red]x[/red]", "<script>", "{date}", "None"])
def test_names_of_columns_are_any_text(tmp_path, capsys, name):
    """prometheus/prometheus #3894: names that are empty, long or markup."""
    path = tmp_path / "x.parquet"
    path.write_bytes(to_bytes(pa.table({name: [float(n % 7) for n in range(300)], "other": list(range(300))})))
    code, out, _ = call(capsys, "compare", "--json", path, path, "--html", tmp_path / "x.html")
    assert code == 0
    assert name in [column["column"] for column in json.loads(out)["columns"]]
    assert "<script>" not in (tmp_path / "x.html").read_text()
    assert call(capsys, "init", path)[0] in (0, 2)


def test_what_a_provider_prints_is_not_the_answer(capsys):
    """prestodb/presto PR #16743: days in S3; the log of Airflow's AWS provider went to standard output with them."""
    with reserve_output():
        sys.stdout.write("[info] credentials retrieved\n")
        print_json({"partition": "2026-03-01"})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"partition": "2026-03-01"}
    assert err == "[info] credentials retrieved\n"


def test_a_page_that_cannot_be_written_fails_its_day_and_the_next_is_run(archive, capsys):
    """jorgecarleitao/parquet2 #108: one value of a page took three days of a backfill."""
    for offset in range(3):
        archive.write_day(day_of(offset))
    workspace = archive.folder / "workspace"
    # a folder in the place of the page of the second day
    (workspace / "reports" / "m" / str(day_of(1)) / "evidently.html" / "x").mkdir(parents=True)
    code, out, _ = call(
        capsys,
        *("backfill", archive.folder / "m.yaml", "--from", FIRST, "--to", day_of(2), "--json"),
        *("--store", f"sqlite:///{archive.folder / 'store.db'}", "--workspace", workspace, "--evidently", "page"),
    )
    assert code == 1
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["OK", "FAILED", "OK"]


@pytest.mark.parametrize(
    "days",
    [
        ("--from", "0001-01-01", "--to", "0001-01-02"),
        ("--from", "2026-03-02", "--to", "2026-03-01"),
        ("--from", "x", "--to", "y"),
        ("--from", "0001-01-01", "--to", ""),
    ],
)
@pytest.mark.parametrize("command", ["backfill", "reprofile", "evaluate", "drift"])
def test_days_that_are_none_are_wrong_calls(archive, capsys, command, days):
    """Ranges that end before they begin, and words in the place of days."""
    with archive.opened():
        pass
    store = f"sqlite:///{archive.folder / 'store.db'}"
    code, out, err = call(capsys, command, archive.folder / "m.yaml", *days, "--store", store)
    assert code in (1, 2)
    assert out + err


def test_nothing_is_stored_of_a_model_that_never_ran(archive, capsys):
    """Questions about days that were never run are answered in words."""
    with archive.opened() as run:
        archive.write_day(FIRST)
        run_day(run, FIRST)
    spec = archive.folder / "other.yaml"
    spec.write_text(archive.spec_text.replace("model: m", "model: other"))
    places = ("--store", f"sqlite:///{archive.folder / 'store.db'}", "--workspace", archive.folder / "workspace")
    for arguments in (
        ("slice", spec, "--by", "country", *RANGE),
        ("slice", spec, "--by", "no such", *RANGE),
        ("drift", spec, *RANGE),
        ("reprofile", spec, *RANGE),
        ("evaluate", spec, *RANGE),
        ("schema", "show", spec),
        ("calibrate", spec),
        ("baseline", "list", spec),
        ("baseline", "diff", spec, "--previous"),
        ("alerts", "list", spec),
    ):
        for form in ((), ("--json",)):
            code, out, err = call(capsys, *arguments, *places, *form)
            assert code in (0, 1, 2)
            assert all(json.loads(line) for line in out.splitlines() if form)
            assert code == 0 or out + err

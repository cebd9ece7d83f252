from __future__ import annotations

import json

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from tests.support.comparison import make_rows, write_parquet


@pytest.fixture
def sides(tmp_path):
    return (
        write_parquet(tmp_path / "reference.parquet", make_rows(2000, 1)),
        write_parquet(tmp_path / "current.parquet", make_rows(1000, 2, amount=1.0)),
    )


def test_table_has_the_drifted_column_first(sides, capsys):
    assert main(["compare", *sides]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[3][:3] == ["amount", "drift", "psi"]
    assert ["1", "of", "4", "columns", "have", "drifted,", "1", "without", "enough", "data."] in lines


def test_drift_fails_where_that_is_asked_for(sides):
    assert main(["compare", *sides, "--fail-on-drift"]) == 1
    assert main(["compare", sides[0], sides[0], "--fail-on-drift"]) == 0


def test_nothing_to_evaluate_fails_where_drift_would(tmp_path):
    path = write_parquet(tmp_path / "x.parquet", pa.table({"x": [1.0]}))

    assert main(["compare", path, path]) == 0
    assert main(["compare", path, path, "--fail-on-drift"]) == 1


def test_json_is_one_object_a_line(sides, capsys):
    main(["compare", *sides, "--json", "--method", "wasserstein"])

    found = json.loads(capsys.readouterr().out)
    assert found["drifted"] == ["amount"]
    assert found["columns"][0]["method"] == "wasserstein"
    assert found["reference"]["rows"] == 2000


def test_page_is_written(sides, tmp_path, capsys):
    main(["compare", *sides, "--html", str(tmp_path / "report.html")])

    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert f"report: {tmp_path / 'report.html'}" in capsys.readouterr().out


def test_wrong_method_is_a_wrong_call(sides, capsys):
    assert main(["compare", *sides, "--method", "psy"]) == 2
    assert "did you mean 'psi'" in capsys.readouterr().err


def test_page_that_cannot_be_written_is_a_wrong_call(sides, tmp_path, capsys):
    assert main(["compare", *sides, "--html", str(tmp_path / "none" / "x.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_damaged_file_is_named(sides, tmp_path, capsys):
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"PAR1")

    assert main(["compare", sides[0], str(path)]) == 1
    assert "bad.parquet" in capsys.readouterr().err


def test_markup_in_names_is_printed_as_it_is(tmp_path, capsys):
    path = write_parquet(tmp_path / "x.parquet", pa.table({"[red]x[/red]": list(range(50))}))
    main(["compare", path, path])

    assert "[red]x[/red]" in capsys.readouterr().out

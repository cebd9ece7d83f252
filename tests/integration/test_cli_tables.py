"""Every table of `mlmon` at several widths: no line is wider than the terminal, and no word is broken."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow.compute as pc
import pytest
from rich.text import Text

from airflow_mlmon.cli.main import main
from airflow_mlmon.cli.output import plain_table, print_table
from airflow_mlmon.cli.stream import reserve_output
from tests.support.archive import FIRST, Archive, day_table, replace_columns, to_bytes
from tests.support.runs import write_file

DAYS = 5
LAST = FIRST + timedelta(days=DAYS - 1)
RANGE = ("--from", str(FIRST), "--to", str(LAST))
WIDE = 1_000
# headings and values of several lines, long names, and numbers
NAMES = ("merchant_category", "x", "card_number_of_the_terminal", "größe_日本語")

TABLES = [
    "alerts list loans.yaml",
    "baseline list loans.yaml",
    "baseline diff loans.yaml --trailing 3",
    f"calibrate loans.yaml {' '.join(RANGE)}",
    f"drift loans.yaml --window 3d {' '.join(RANGE)}",
    f"slice loans.yaml --by channel,term {' '.join(RANGE)}",
    "schema show loans.yaml",
    "prune loans.yaml",
    f"run loans.yaml --partition {LAST}",
    f"show loans.yaml --partition {LAST}",
    "export loans.yaml -o metrics",
    "status",
    "compare day0.parquet day4.parquet --label repaid --prediction approved",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Five days, of which the last has other amounts, a pinned baseline, alerts and an age."""
    folder = tmp_path_factory.mktemp("tables")
    archive = Archive(str(folder / "archive"), write_file)
    archive.write_reference()
    for offset in range(DAYS):
        day = FIRST + timedelta(days=offset)
        table = day_table(day, 120)
        if day == LAST:
            table = replace_columns(table, amount=pc.multiply(table.column("amount"), 9.0))
        archive.write_predictions(day, table)
        (folder / f"day{offset}.parquet").write_bytes(to_bytes(table))
    text = archive.spec_text(("null_rate, max: 0.3", "rows, min: 1000"), extra=["retention: {rows: 2, pages: 2}"])
    (folder / "loans.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_HOME", str(folder / "home"))
        patched.chdir(folder)
        main(["backfill", "loans.yaml", *RANGE])
        assert main(["baseline", "accept", "loans.yaml", "--dates", *RANGE[1::2], "--why", "a new price list"]) == 0
    return folder


@pytest.fixture
def printed(folder, monkeypatch, capsys) -> Callable[[str, int], list[str]]:
    monkeypatch.setenv("AIRFLOW_HOME", str(folder / "home"))
    monkeypatch.chdir(folder)
    written: dict[tuple[str, int], list[str]] = {}

    def printed(call: str, width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        capsys.readouterr()
        assert main(call.split()) in {0, 1}
        return written.setdefault((call, width), capsys.readouterr().out.splitlines())

    return printed


@pytest.mark.parametrize("call", TABLES)
def test_table_fits_and_no_word_of_it_is_broken(printed, call):
    words = {word for line in printed(call, WIDE) for word in line.split()}

    for width in (80, 60):
        lines = printed(call, width)
        table = [line for line in lines if not line.startswith("reports: ")]
        assert len(lines) > 3
        # sentences are wrapped by the terminal
        assert [line for line in table if len(line) > width and not is_sentence(line)] == []
        assert {word for line in table for word in line.split() if set(word) != {"─"}} <= words


def is_sentence(line: str) -> bool:
    return "  " not in line.removeprefix("in force:  ").strip()


def test_what_can_be_in_a_table_is_never_broken(monkeypatch):
    """first-hour 17: `merchan/t_categ/ory`."""
    headings = ("column", "rows\nshare", "likely cause of the drift")
    cells = (Text("[b]drift[/b] of merchant_category"), "1,234\n12.5 %", "p = 0.003", "", Text("x" * 40))
    for width, names in itertools.product((120, 80, 60, 40, 20), itertools.product(NAMES, repeat=2)):
        table = plain_table()
        for position, heading in enumerate(headings):
            table.add_column(heading, no_wrap=position != 2, justify="right" if position == 1 else "left")
        given = [
            (Text(name), cell, other) for name, (cell, other) in zip(names * 2, itertools.pairwise(cells), strict=True)
        ]
        for row in given:
            table.add_row(*row)
        out = io.StringIO()
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr("sys.stdout", out)
        with reserve_output():
            print_table(table)

        said = [*headings, *(str(cell) for row in given for cell in row)]
        assert {word for text in said for word in text.split()} == {
            word for word in out.getvalue().split() if set(word) != {"─"}
        }

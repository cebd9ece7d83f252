"""Evidently's report beside the day's page: on the first day, on alerting days, and where it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec.choices import EvidentlyForm
from tests.support.base_day import FIRST, ROWS, BaseArchive, day_of, day_table

DAYS = 3
FILES = ("evidently.html", "evidently.json")


def shifted(table: pa.Table) -> pa.Table:
    """The rows with amounts that have drifted."""
    return table.set_column(2, "amount", pc.multiply(table.column("amount"), 50))


@pytest.fixture
def archive(tmp_path: Path) -> BaseArchive:
    made = BaseArchive(tmp_path)
    for offset in range(DAYS):
        table = day_table(day_of(offset))
        made.write_day(day_of(offset), shifted(table) if offset == DAYS - 1 else table)
    return made


@pytest.fixture
def run(archive: BaseArchive) -> Iterator[Run]:
    with archive.opened() as run:
        yield run


def written(run: Run, offset: int, form: EvidentlyForm | None = None) -> tuple[list[str], str]:
    """Run a day; the files of evidently's report, and the day's page."""
    page = Path(run_partition(run, run.partition(day_of(offset)), evidently=form).report)
    return [name for name in FILES if (page.parent / name).exists()], page.read_text()


def test_by_default_the_first_day_and_alerting_days_have_a_report(run):
    found = [written(run, offset) for offset in range(DAYS)]

    assert [run.store.alerts("m", day_of(offset), day_of(offset)) != [] for offset in range(DAYS)] == [
        False,
        False,
        True,
    ]
    assert [files for files, _ in found] == [[*FILES], [], [*FILES]]
    assert ['href="evidently.html"' in page for _, page in found] == [True, False, True]
    # one script for the pages of all days
    assert len(list(Path(run.report_uri()).glob("evidently-*.js"))) == 1


def test_a_first_day_that_is_run_again_is_still_the_first(run):
    written(run, 0)
    (Path(run.report_uri(str(FIRST), "evidently.html"))).unlink()

    assert written(run, 0)[0] == [*FILES]


def test_a_report_of_an_earlier_run_of_the_day_is_removed(run):
    written(run, 0, EvidentlyForm.PAGE)

    files, page = written(run, 0, EvidentlyForm.NONE)

    assert files == []
    assert "evidently.html" not in page


@pytest.mark.parametrize(
    ("form", "files", "href"),
    [("page", [*FILES], "evidently.html"), ("json", ["evidently.json"], "evidently.json"), ("none", [], None)],
)
def test_the_spec_says_which_report_there_is(archive, form, files, href):
    with archive.opened(("reference:\n", f"evidently: {form}\nreference:\n")) as run:
        found, page = written(run, 0)

    assert found == files
    assert ('href="evidently' in page) == (href is not None)
    assert (f'href="{href}"' in page) == (href is not None)
    if files:
        shown = json.loads((archive.folder / "workspace" / "reports" / "m" / str(FIRST) / files[-1]).read_text())
        assert any(metric["value"] == ROWS for metric in shown["metrics"])


def test_a_call_says_it_instead_of_the_spec(run):
    assert written(run, 0, EvidentlyForm.NONE)[0] == []
    assert written(run, 1, EvidentlyForm.JSON)[0] == ["evidently.json"]


def test_a_page_of_an_earlier_release_keeps_its_link(run):
    page = Path(run_partition(run, run.partition(FIRST)).report)
    (stored,) = (page.parents[3]).rglob("evidently_left_out.json")
    stored.write_text(json.dumps(["at: time of the event"]))

    write_pages(run, [run.partition(FIRST)])

    assert 'href="evidently.html"' in page.read_text()
    assert "at: time of the event" in page.read_text()


def test_the_shell_writes_it_on_demand(archive):
    store = f"sqlite:///{archive.folder / 'store.db'}"
    spec = archive.folder / "m.yaml"
    spec.write_text(archive.spec_text)
    places = ("--store", store, "--workspace", str(archive.folder / "workspace"))
    folder = archive.folder / "workspace" / "reports" / "m" / str(day_of(1))

    assert main(["backfill", str(spec), "--from", str(FIRST), "--to", str(day_of(1)), *places]) == 0
    assert not (folder / "evidently.html").exists()
    assert main(["run", str(spec), "--partition", str(day_of(1)), "--evidently", "page", *places]) == 0
    assert (folder / "evidently.html").exists()

"""Pages of a model and its columns, from days that were run: which are written, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from bs4 import BeautifulSoup

from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.against import against_page
from airflow_mlmon.pipeline.pages.feature import column_of_slug, feature_page, featured_columns
from airflow_mlmon.pipeline.pages.model import model_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.reports.against import render_against
from airflow_mlmon.reports.feature import feature_file, render_feature
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.spec.choices import EvidentlyForm
from tests.support.base_day import FIRST, BaseArchive, day_of, day_table

DAYS = 4
EMAIL = ("    country:", "    email: {{type: string, personal: hash}}\n    country:")
CARD = ("model: m\n", "model: m\nowner: risk\nteam: fraud\ntags: [cards]\nsegments: [country]\n")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Four days, on the last of which the amounts have drifted and a country is new."""
    archive = BaseArchive(tmp_path_factory.mktemp("columns"), CARD)
    for offset in range(DAYS):
        table = day_table(day_of(offset))
        archive.write_day(day_of(offset), _drifted(table) if offset == DAYS - 1 else table)
    (archive.folder / "spec.txt").write_text(archive.spec_text)
    with archive.opened() as run:
        for offset in range(DAYS):
            run_partition(run, run.partition(day_of(offset)), evidently=EvidentlyForm.NONE)
        yield run


def _drifted(table: pa.Table) -> pa.Table:
    moved = table.set_column(2, "amount", pc.multiply(table.column("amount"), 50))
    return moved.set_column(3, "country", pa.array(["XX" if n % 2 else "DE" for n in range(table.num_rows)]))


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def test_pages_of_columns_are_written_for_those_that_alert_and_linked_to(run):
    folder = Path(run.report_uri())
    written = {path.name for path in folder.glob("feature-*.html")}

    assert {feature_file("amount"), feature_file("country")} <= written
    assert feature_file("flagged") not in written
    index = soup((folder / "index.html").read_text())
    assert {link["href"] for link in index.select('a[href^="feature-"]')} <= written
    day = soup((folder / str(day_of(DAYS - 1)) / "report.html").read_text())
    assert day.select_one(f'a[href="../{feature_file("amount")}"]') is not None


def test_page_of_a_column_shows_its_distribution_incidents_and_segments(run):
    html = render_feature(feature_page(run, "amount"))
    page = soup(html)
    text = page.get_text(" ", strip=True)

    assert page.select_one(".banner .status").get_text() == "drifted"
    assert page.select_one(".spread svg")["aria-label"] == "amount by day"
    assert "amount" in page.find("h2", string="Incidents").parent.select_one("li b").get_text()
    rows = page.find("h2", string="Segments on 2026-03-04").parent.select("tbody tr")
    assert {row.td.get_text() for row in rows} == {"country=DE", "country (other)"}
    assert "its weight on the score is not known" in text
    assert len(html.encode()) < 100_000


def test_page_of_a_category_names_its_new_values(run):
    text = soup(render_feature(feature_page(run, "country"))).get_text(" ", strip=True)

    assert "XX" in text
    assert "50.0 %" in text


def test_page_of_a_column_before_the_first_day_says_so(tmp_path):
    with BaseArchive(tmp_path).opened() as run:
        assert "No day has been run yet." in render_feature(feature_page(run, "amount"))
        assert "No day has been run yet." in render_model(model_page(run))


def test_no_page_shows_a_personal_column(tmp_path):
    with BaseArchive(tmp_path, EMAIL).opened() as run:
        assert "email" not in featured_columns(run.spec)
        with pytest.raises(NotFoundError, match="email"):
            feature_page(run, "email")
        with pytest.raises(NotFoundError):
            column_of_slug(run, "email")
        assert column_of_slug(run, "amount") == "amount"


def test_model_page_links_to_all_columns_when_served_and_knows_how_late_it_is(run):
    page = model_page(run, now=datetime(2026, 3, 7, 6, tzinfo=UTC))
    text = soup(render_model(page)).get_text(" ", strip=True)

    assert page.feature_hrefs["flagged"] == feature_file("flagged")
    assert "2 days late: 2026-03-05 is over and not evaluated." in text
    assert model_page(run, now=datetime(2026, 3, 5, 6, tzinfo=UTC)).lateness.startswith("Up to date")
    assert "The next day to be evaluated is 2026-03-05" in model_page(run).lateness


def test_card_names_owner_team_tags_data_and_thresholds(run):
    card = {entry.title: entry.lines for entry in model_page(run).card}

    assert (card["Owner"], card["Team"], card["Tags"]) == (("risk",), ("fraud",), ("cards",))
    assert card["Predictions"][0].endswith("/preds/dt={date}")
    assert card["Evaluation"][0].startswith("at most 5 % of unchanged days have a false alarm")
    assert str(FIRST) in card["Monitored"][0]


def test_day_against_another_names_what_differs_of_both(run):
    page = soup(render_against(against_page(run, run.partition(day_of(3)), run.partition(day_of(1)))))
    text = page.get_text(" ", strip=True)

    rows = {row.td.get_text(): row.get("class") for row in page.find("h2", string="Columns").parent.select("tbody tr")}
    assert {name for name, kind in rows.items() if kind} == {"amount", "country"}
    assert "2 of 6 columns differ." in text
    assert "200" in page.find("h2", string="Both days").parent.find("th", string="Rows").parent.get_text()
    assert len(page.select(".cards svg")) == 6
    assert [link["href"] for link in page.select("nav a")] == [
        "../index.html",
        "../2026-03-02/report.html",
        "report.html",
    ]


def test_day_is_not_compared_with_itself_or_one_that_was_not_run(run):
    with pytest.raises(ConfigError, match="with itself"):
        against_page(run, run.partition(FIRST), run.partition(FIRST))
    with pytest.raises(NotFoundError, match="m 2026-03-20 was not run"):
        against_page(run, run.partition(FIRST), run.partition("2026-03-20"))


def test_shell_writes_pages_on_demand(run, tmp_path, capsys):
    folder = Path(run.workspace).parent
    places = ("--store", f"sqlite:///{folder / 'store.db'}", "--workspace", run.workspace)
    spec = tmp_path / "m.yaml"
    spec.write_text((folder / "spec.txt").read_text())

    assert main(["pages", str(spec), "--feature", "flagged", *places]) == 0
    assert main(["pages", str(spec), "--partition", str(day_of(3)), "--against", str(FIRST), *places]) == 0
    assert main(["pages", str(spec), "--feature", "nonsense", *places]) == 1
    assert main(["pages", str(spec), "--against", str(FIRST), *places]) == 2

    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in written] == [feature_file("flagged"), "index.html", "against-2026-03-01.html"]
    assert all(path.exists() for path in written)
    assert f'href="{feature_file("flagged")}"' in written[1].read_text()

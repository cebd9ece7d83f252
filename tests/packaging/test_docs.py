"""The README and the pages of include/docs say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.docs import CHECKOUT, FILES, FOLDER, MADE, PAGES, README, TABLES, fill_page

README_BYTES = 12_000
PICTURE_BYTES = 150_000


def file_name(path: Path) -> str:
    return path.name


def prose(path: Path) -> str:
    """The text of a page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def links(path: Path) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(path)) if "://" not in link]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", FILES, ids=file_name)
def test_tables_and_links_between_pages_are_those_of_the_code(path):
    assert fill_page(path) == path.read_text(), "run `make docs`"


def test_every_table_stands_in_one_place():
    found = [name for path in FILES for _, name, _ in re.findall(MADE, path.read_text(), flags=re.DOTALL)]

    assert sorted(found) == sorted(TABLES)


def test_the_readme_stays_short():
    assert len(README.read_bytes()) <= README_BYTES


def test_the_readme_leads_to_every_page():
    assert {f"include/docs/{name}.md" for name in PAGES} <= set(links(README))


def test_every_page_is_in_the_list():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(PAGES)


def test_every_picture_is_small_and_shown():
    pictures = [path for path in FOLDER.iterdir() if path.suffix != ".md"]
    shown = {(path.parent / link).resolve() for path in FILES for link in links(path)}

    assert pictures
    assert set(pictures) <= shown
    assert [path.name for path in pictures if path.stat().st_size > PICTURE_BYTES] == []


@pytest.mark.parametrize("path", FILES, ids=file_name)
def test_every_link_leads_somewhere(path):
    dead = []
    for link in links(path):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            dead.append(link)

    assert dead == []


@pytest.mark.parametrize("path", FILES, ids=file_name)
def test_every_file_that_is_named_exists(path):
    names = re.findall(r"`((?:include|dags|tests|airflow_mlmon)/[\w/.]*\w/?)`", path.read_text())

    assert [name for name in names if not (CHECKOUT / name).exists() and "fraud" not in name] == []


def test_the_map_of_the_rooms_names_three_at_most_for_what_is_added():
    [table] = re.findall(
        r"^\| to add \|.*?\n\n", (FOLDER / "development.md").read_text(), flags=re.DOTALL | re.MULTILINE
    )
    rooms = {}
    for row in table.strip().splitlines()[2:]:
        added, where, _ = row.strip("| ").split(" | ")
        rooms[added] = {name.split("/")[1] for name in re.findall(r"`(airflow_mlmon/[^`]+)`", where)}

    assert set(rooms) == {
        "a task (kind of model)", "a metric", "a file format", "a log of a serving system", "an object store",
        "a channel", "a store dialect", "a reader of past days", "a compiled loop", "a page",
    }  # fmt: skip
    assert [added for added, named in rooms.items() if not 1 <= len(named) <= 3] == []

"""Tables for notebooks: plain HTML in the notebook's own style, with all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from airflow_mlmon.comparison.cells import FIELDS, cells_of, score_text
from airflow_mlmon.comparison.compare import empty_share
from airflow_mlmon.comparison.dataset import Dataset
from airflow_mlmon.comparison.picture import draw_pair
from airflow_mlmon.comparison.result import Comparison
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.reports.wording import NONE, name_text

_TOP = 3


def comparison_table(found: Comparison) -> str:
    """Render the columns of a comparison, sorted by drift."""
    rows = ((cells_of(column), column.has_drifted) for column in found.columns)
    return _table([field.title for field in FIELDS], rows, f"{found.headline} {found.rule}")


def dataset_table(data: Dataset) -> str:
    """Render the columns of a data set with their contents."""
    rows = ((_describe(data, name), False) for name in data.contents)
    titles = ["column", "content", "rows", "nulls", "distribution", "summary"]
    return _table(
        titles, rows, f"{name_text(data.name)}: {data.profile.rows:,} rows, profile contents {data.schema.id}."
    )


def _describe(data: Dataset, name: str) -> tuple[str, ...]:
    field = data.contents[name]
    column = data.profile.columns.get(name)
    if column is None:
        return name_text(name), field.content, NONE, NONE, "", f"{field.type} is not profiled"
    empty = empty_share(column)
    shown = NONE if empty is None else f"{empty:.1%}"
    return name_text(name), field.content, f"{column.rows:,}", shown, draw_pair(column, column)[0], _figures(column)


def _figures(column: ColumnProfile) -> str:
    if isinstance(column, VectorProfile):
        return f"dimension {column.schema.dimension}; norm: {_figures(column.norm)}"
    if isinstance(column, NumericProfile):
        figures = {"min": column.min, "mean": column.mean, "max": column.max, "std": column.std}
        return ", ".join(f"{title} {score_text(value)}" for title, value in figures.items()) if column.observed else ""
    if isinstance(column, IdentifierProfile):
        return f"about {column.distinct:,} distinct values" if column.observed else ""
    return _most_frequent(column)


def _most_frequent(column: CategoryProfile) -> str:
    counts = {name: column.count_of(name) for name in column.schema.vocabulary[:_TOP]}
    shown = [f"{name_text(name, 40)} {count / column.observed:.1%}" for name, count in counts.items() if count]
    rest = len(column.schema.vocabulary) - len(counts)
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")


def _table(titles: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]], caption: str) -> str:
    head = Markup("").join(Markup("<th style='text-align:left'>{}</th>").format(title) for title in titles)
    lines = Markup("").join(_line(cells, is_bold=is_bold) for cells, is_bold in rows)
    table = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table><p>{}</p>")
    return str(table.format(head, lines, caption))


def _line(cells: Sequence[str], *, is_bold: bool) -> Markup:
    style = Markup(" style='font-weight:bold'") if is_bold else Markup("")
    inner = Markup("").join(Markup("<td style='text-align:left'><bdi>{}</bdi></td>").format(cell) for cell in cells)
    return Markup("<tr{}>{}</tr>").format(style, inner)

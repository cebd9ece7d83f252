"""Page of a comparison: one HTML file in the style of the day pages."""

from __future__ import annotations

from airflow_mlmon import __version__
from airflow_mlmon.comparison.cells import FIELDS, PERFORMANCE_TITLES, cells_of, performance_cells
from airflow_mlmon.comparison.compare import ColumnComparison
from airflow_mlmon.comparison.result import Comparison
from airflow_mlmon.profiles.columns.histogram import build_histogram
from airflow_mlmon.reports.charts import before_after
from airflow_mlmon.reports.page import render_page
from airflow_mlmon.reports.wording import name_text


def render_comparison(found: Comparison) -> str:
    """Render the page of a comparison."""
    return render_page(
        "comparison.html.j2",
        found=found,
        fields=FIELDS,
        performance=found.performance and [(row, performance_cells(row)) for row in found.performance.differences],
        performance_titles=PERFORMANCE_TITLES,
        rows=[(column, cells_of(column)) for column in found.columns],
        cards=[(column, cells_of(column), _chart(column)) for column in found.columns if _has_picture(column)],
        version=__version__,
    )


def _has_picture(column: ColumnComparison) -> bool:
    sides = column.reference, column.current
    return any(side is not None and side.observed for side in sides) and None not in sides


def _chart(column: ColumnComparison) -> str:
    if column.reference is None or column.current is None:
        return ""
    bins = build_histogram(column.reference, column.current)
    return before_after(bins, f"{name_text(column.column)}: reference and current data")

"""Pages around the reports: the list of models, and messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from airflow_mlmon.records import PartitionState
from airflow_mlmon.reports.tone import Tone

_FRAME = Markup("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
""")
_TABLE = Markup("""\
<div class="scroll"><table>
<thead><tr><th>Model</th><th>Latest day</th><th>Status</th><th>Result</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>""")
_ROW = Markup("""\
<tr class="{tone}"><td><a href="{model}/index.html">{model}</a></td>\
<td class="nowrap"><a href="{model}/{day}/report.html">{day}</a></td><td>{status}</td><td>{headline}</td></tr>""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """Model with the result of its latest day."""

    state: PartitionState
    tone: Tone
    headline: str


def render_models(rows: Sequence[ModelRow]) -> str:
    """Render the list of models, alerting ones first."""
    if not rows:
        return render_message("Model monitoring", "No model that you may read has been run yet.")
    worst_first = sorted(rows, key=lambda row: (-list(Tone).index(row.tone), row.state.partition.model))
    return _framed("Model monitoring", _TABLE.format(rows=Markup("\n").join(map(_row, worst_first))))


def render_message(title: str, text: str, href: str | None = None, link: str = "") -> str:
    """Render a page with one message, and a link if `href` is given."""
    body = Markup('<p class="banner">{}</p>').format(text)
    if href is not None:
        body += Markup('<p><a href="{}">{}</a></p>').format(href, link)
    return _framed(title, body)


def _row(row: ModelRow) -> Markup:
    partition = row.state.partition
    return _ROW.format(
        tone=row.tone, model=partition.model, day=partition.key, status=row.state.status, headline=row.headline
    )


def _framed(title: str, body: Markup) -> str:
    return _FRAME.format(title=title, style=_style(), body=body)


@cache
def _style() -> Markup:
    """Return the style sheet of the reports."""
    return Markup((files("airflow_mlmon.reports") / "templates" / "style.html.j2").read_text())  # noqa: S704 - a file of this package

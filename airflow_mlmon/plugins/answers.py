"""Answers to browsers: pages with the policy under which they are shown, and messages."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from fastapi import Response, status
from fastapi.responses import HTMLResponse
from markupsafe import Markup

# These pages have no scripts and may have none. They keep their origin: a browser sends no cookie of
# Airflow's with a link that is followed from a page without one, so no link would work in the UI's frame.
_POLICY = (
    "sandbox allow-same-origin{forms}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action {actions}; frame-ancestors 'self'"
)
PAGE_POLICY = _POLICY.format(forms="", actions="'none'")
_FORMS_POLICY = _POLICY.format(forms=" allow-forms", actions="'self'")
# The Evidently page needs its scripts: they run without an origin, and so cannot access Airflow;
# blob: allows the download of its charts
EVIDENTLY_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
# what a page says of itself is for files; where there are forms the headers say it less strictly
_OWN_POLICY = re.compile(r'<meta (?:http-equiv="Content-Security-Policy"|name="referrer") content="[^"]*">\n?')
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


def render_message(title: str, text: str, href: str | None = None, link: str = "") -> str:
    """Render a page with one message, and a link if `href` is given."""
    body = Markup('<p class="banner">{}</p>').format(text)
    if href is not None:
        body += Markup('<p><a href="{}">{}</a></p>').format(href, link)
    return _FRAME.format(title=title, style=_style(), body=body)


def answer_page(
    content: str | bytes,
    *,
    policy: str = PAGE_POLICY,
    media_type: str | None = HTMLResponse.media_type,
    status_code: int = status.HTTP_200_OK,
) -> Response:
    """Answer with a page that has no forms."""
    return Response(content, status_code=status_code, media_type=media_type, headers=headers_of(policy))


def answer_live(content: str, notice: str = "") -> Response:
    """Answer with a page that has forms for those who may act, after the outcome of the last action."""
    if notice:
        banner = Markup('<body>\n<p class="banner notice" role="status">{}</p>').format(notice)
        content = content.replace("<body>", banner, 1)
    if "<form" not in content:
        return answer_page(content)
    # without a referrer a browser sends no origin along with a form either
    headers = headers_of(_FORMS_POLICY) | {"Referrer-Policy": "same-origin"}
    return HTMLResponse(_OWN_POLICY.sub("", content, count=2), headers=headers)


def headers_of(policy: str) -> dict[str, str]:
    """Return the headers of every answer, with the policy of its content."""
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }


@cache
def _style() -> Markup:
    """Return the style sheet of the reports."""
    return Markup((files("airflow_mlmon.reports") / "templates" / "style.html.j2").read_text())  # noqa: S704 - a file of this package

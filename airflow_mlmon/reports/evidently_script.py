"""Scripts of Evidently's pages: one file for all pages of a model, in the folder above those of its days."""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_mlmon.errors import StateError

_LINK = '<script src="../{name}"></script>'
_LINKED = re.compile(rb'<script src="\.\./(evidently-[0-9A-Za-z.+-]+\.js)"></script>')


def link_script(page: str, script: str, name: str) -> str:
    """Replace the script within a page by a link to its file.

    Raises:
        StateError: the page does not hold the script.
    """
    within = f"<script>{script}</script>"
    if within not in page:
        raise StateError("Evidently's page does not hold its script as it lies in the package.")
    return page.replace(within, _LINK.format(name=name), 1)


def put_script_in(page: bytes, read: Callable[[str], bytes]) -> bytes:
    """Put the script that a page links to back into it, for a reader who is served the page alone.

    Pages of earlier releases hold theirs. No value of the data is taken for a link: their brackets are escaped.
    """
    found = _LINKED.search(page)
    if found is None:
        return page
    script = b"<script>" + read(found[1].decode()) + b"</script>"
    return page[: found.start()] + script + page[found.end() :]

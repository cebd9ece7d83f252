"""Notice in the place of a page that was pruned, so that no link to it breaks."""

from __future__ import annotations

from airflow_mlmon.storage.objects import StoredObject

# the keys of days, and so the notices, are of one length
_NOTICE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme"
content="light dark"><title>{day}: page deleted</title>
<body style="font-family: system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em">
<h1>{day}</h1><p>The page that was here was deleted by <code>mlmon prune</code>, as <code>retention</code> in the spec of
the model says. Verdicts and alerts of the day are still in the store.</p>
<p><a href="../index.html">All days</a></p></body></html>
"""


def write_notice(day: str) -> bytes:
    """Return the notice in the place of a page of a day."""
    return _NOTICE.format(day=day).encode()


def is_notice(item: StoredObject) -> bool:
    """Return whether a file in the place of a page is a notice, which no page is as short as."""
    return item.uri.endswith(".html") and item.size == len(write_notice("2013-03-08"))

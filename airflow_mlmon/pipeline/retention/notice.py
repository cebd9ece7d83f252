"""Notice in the place of a report that was pruned, so that no link to it breaks."""

from __future__ import annotations

from airflow_mlmon.storage.objects import StoredObject

# the keys of days, and so the notices, are of one length
_LONGEST_AGO = "0001-01-01"
_NOTICES = {
    ".html": """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme"
content="light dark"><title>{day}: page deleted</title>
<body style="font-family: system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em">
<h1>{day}</h1><p>The page that was here was deleted by <code>mlmon prune</code>, as <code>retention</code> in the spec
of the model says. Verdicts and alerts of the day are still in the store.</p>
<p><a href="../index.html">All days</a></p></body></html>
""",
    ".json": '{{"day": "{day}", "deleted": "by mlmon prune"}}\n',
}


def write_notice(name: str, day: str) -> bytes:
    """Return the notice in the place of a report of a day, by the ending of its name; empty for other files."""
    return next((text.format(day=day).encode() for ending, text in _NOTICES.items() if name.endswith(ending)), b"")


def is_notice(item: StoredObject) -> bool:
    """Return whether a file in the place of a report is a notice, which no report is as short as."""
    return item.size == len(write_notice(item.uri, _LONGEST_AGO))

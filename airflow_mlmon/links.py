"""Links from a day to its trace and its log, wherever a deployment keeps these."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from airflow_mlmon.errors import ConfigError, suggest_name

_KNOWN = ("trace", "span", "model", "partition", "from", "to")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# what may stand in a URL as it is; the braces and quotation marks of JSON may not
_LAWFUL = "%/:?=&#,;+@$!*'()[]~"
# the clocks of the services that a trace is searched in may differ
_AROUND = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLinks:
    """Addresses of a trace and of the lines of its log; empty where there is none."""

    trace: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Day with the ids of its trace and of a span of it, and the times between which it ran."""

    model: str
    partition: str
    trace: str
    span: str
    begun: datetime
    ended: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTemplates:
    """Templates of the links of a deployment, with placeholders such as `{trace}`; empty for no links.

    Raises:
        ConfigError: one is no URL, has an unknown placeholder, or that of traces names none.
    """

    trace: str = ""
    log: str = ""

    def __post_init__(self) -> None:
        """Check both."""
        for name, template in (("trace_url", self.trace), ("log_url", self.log)):
            _check(name, template)
        if self.trace and "{trace}" not in self.trace:
            raise ConfigError("The setting trace_url has no {trace}, so it leads to no trace.")

    def fill(self, day: Traced) -> TraceLinks:
        """Return the links of a day; one of which the template names a trace needs that the day has one."""
        values = {
            "trace": day.trace,
            "span": day.span,
            "model": day.model,
            "partition": day.partition,
            "from": _milliseconds(day.begun - _AROUND),
            "to": _milliseconds(day.ended + _AROUND),
        }
        return TraceLinks(trace=_filled(self.trace, values), log=_filled(self.log, values))


def _check(name: str, template: str) -> None:
    if template and not template.startswith(("http://", "https://")):
        raise ConfigError(f"The setting {name} is no URL.", hint="begin it with https://")
    for found in _PLACEHOLDER.findall(template):
        if found not in _KNOWN:
            raise ConfigError(
                f"The setting {name} has the placeholder {{{found}}}.",
                hint=suggest_name(f"{{{found}}}", [f"{{{one}}}" for one in _KNOWN]),
            )


def _filled(template: str, values: dict[str, str]) -> str:
    """Fill a template; empty if a value that it names is not known."""
    if not all(values[name] for name in _PLACEHOLDER.findall(template)):
        return ""
    filled = _PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), template)
    return quote(filled, safe=_LAWFUL)


def _milliseconds(time: datetime) -> str:
    return str(int(time.timestamp() * 1000))

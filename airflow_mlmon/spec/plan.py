"""Monitoring plan of a model: its spec with every default, the channels it tells, and the software that runs it.

It is kept with the results that were made under it, so that limits in force on a past day are known later. Nothing
secret is in it: arguments of notifiers, and credentials in addresses, are masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from airflow_mlmon.fleet import MonitoringPlan
from airflow_mlmon.spec.model import ModelSpec

MASK = "***"
# distributions whose versions the results may depend on
SOFTWARE = ("airflow-mlmon", "evidently", "great-expectations", "numpy", "pandas", "pyarrow", "scipy", "scikit-learn")
_SECRET_NAME = re.compile(r"passw|secret|token|credential|api_?key", re.IGNORECASE)
_USER_OF_URL = re.compile(r"(?<=://)[^/\s]*@")
_QUERY_OF_URL = re.compile(r"(?<=\?)\S+")
_NAMED_SECRET = re.compile(r"(?i)((?:password|secret|token|signature|sig|api_?key)=)[^\s&;,]+")


def plan_of(spec: ModelSpec, channels: Iterable[str]) -> MonitoringPlan:
    """Make the monitoring plan of a spec and the names of its channels; equal plans have equal ids."""
    declared = spec.model_dump(mode="json", by_alias=True)
    for channel in declared["alerts"]["channels"]:
        channel["arguments"] = dict.fromkeys(channel["arguments"], MASK)
    content = {"spec": without_secrets(declared), "channels": sorted(channels), "software": dict(software_versions())}
    return MonitoringPlan.of(json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False))


@cache
def software_versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of what the results may depend on, by distribution."""
    return tuple((name, found) for name in SOFTWARE if (found := _version(name)))


def without_secrets(content: Any, name: str = "") -> Any:
    """Return JSON content in which credentials are masked: in addresses, and under names that speak of them.

    >>> without_secrets({"path": "https://ann:pw@host/a?sig=abc", "api_key": "k", "columns": ["token_count"]})
    {'path': 'https://***@host/a?***', 'api_key': '***', 'columns': ['token_count']}
    """
    if isinstance(content, Mapping):
        return {key: without_secrets(value, str(key)) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_secrets(value, name) for value in content]
    if not isinstance(content, str):
        return content
    return MASK if content and _SECRET_NAME.search(name) else masked_text(content)


def masked_text(text: str) -> str:
    """Mask the credentials in a text.

    >>> masked_text("no answer from https://ann:pw@host/hook: password=abc is wrong")
    'no answer from https://***@host/hook: password=*** is wrong'
    """
    if "://" in text:
        text = _USER_OF_URL.sub(f"{MASK}@", text)
        text = _QUERY_OF_URL.sub(MASK, text)
    return _NAMED_SECRET.sub(rf"\g<1>{MASK}", text)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

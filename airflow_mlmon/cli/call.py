"""One call of a command: what each is given beside its own arguments, and how it exits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_mlmon.settings import Settings

OK, BAD_DAY, BAD_CALL = 0, 1, 2
INTERRUPTED, READER_GONE = 130, 141


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Settings of the deployment, the form of the answer, and the time of the call."""

    settings: Settings
    as_json: bool
    now: datetime

"""`mlmon doctor`: examine a deployment, and say what to do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.doctor.diagnosis import Health
from airflow_mlmon.doctor.examine import Examination
from airflow_mlmon.loading import load_specs


def examine_deployment(call: Call, *, paths: Sequence[str]) -> bool:
    """Print each finding with what to do about it; return True if none is a failure.

    Raises:
        ConfigError: there is no such file or folder.
    """
    began = time.monotonic()

    def clock() -> datetime:
        return call.now + timedelta(seconds=time.monotonic() - began)

    counts: Counter[Health] = Counter()
    for finding in Examination(settings=call.settings, clock=clock, sleep=time.sleep).examine(load_specs(paths)):
        counts[finding.health] += 1
        if call.as_json:
            print_json(asdict(finding))
            continue
        output = open_output()
        output.write(f"{finding.health:<8}{line_text(finding.part)}: {line_text(finding.said)}\n")
        if finding.hint:
            output.write(f"{'':8}→ {line_text(finding.hint)}\n")
        output.flush()
    if not call.as_json:
        open_output().write(
            f"{counts[Health.FAILURE]} wrong, {counts[Health.WARNING]} to watch, {counts[Health.OK]} ok\n"
        )
    return not counts[Health.FAILURE]

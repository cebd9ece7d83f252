"""Measures the capture library against the goals: `make bench-capture`.

With ARGS="--only capture_us_p99" some of them.

    capture_us_median    µs of a call of `log` with 20 features, by the writer's side (`calls`)
    capture_us_p99       the same, of the slowest hundredth
    lost_term            rows lost by 10 SIGTERM (`kills`)
    lost_kill9           rows lost by one of 10 SIGKILL, the most; the goal is the bound of the queue (`kills`)
    uncounted_kill9      rows by which what is counted as lost by them differs from what is lost (`kills`)
    uncounted_outage     the same, with S3 away for a minute (`outage`)
    outage_us_p99        µs of a call meanwhile, of the slowest hundredth (`outage`)
    memory_mb            MiB at most beside the service's own: more rows than can be written, S3 away (`memory`)
    service_rps_ratio    requests a second of the example service, with capture ÷ without (`service`)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tests.benchmarks.capture import calls, kills, memory, outage, service
from tests.benchmarks.measured import Key, measure_keys

KEYS: Mapping[str, Key] = {
    "capture_us_median": Key("<= 20", partial(calls.measure, "median")),
    "capture_us_p99": Key("<= 100", partial(calls.measure, "p99")),
    "lost_term": Key("= 0", kills.measure_term),
    "lost_kill9": Key("<= 20000", kills.measure_kill),
    "uncounted_kill9": Key("= 0", kills.measure_uncounted),
    "uncounted_outage": Key("= 0", outage.measure_lost),
    "outage_us_p99": Key("<= 100", outage.measure_p99),
    "memory_mb": Key("<= 64", memory.measure),
    "service_rps_ratio": Key(">= 0.97", service.measure),
}


if __name__ == "__main__":
    measure_keys("capture", (__doc__ or "").splitlines()[0], KEYS)

"""popmon's stability metrics of one period against an external reference."""

import sys

import pandas as pd
import popmon  # noqa: F401  (adds the pm_ methods)

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
for day, frame in (("2026-01-01", reference), ("2026-01-08", current)):
    frame["day"] = pd.Timestamp(day)
store = current.pm_stability_metrics(
    time_axis="day", time_width="1w", time_offset="2026-01-01", reference_type="external", reference=reference
)
sys.stdout.write(f"{len(store['comparisons'])}\n")

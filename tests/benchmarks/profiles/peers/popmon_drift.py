"""popmon's stability metrics of one period against an external reference."""

import sys

import pandas as pd
import popmon

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
for day, frame in (("2026-01-01", reference), ("2026-01-08", current)):
    frame["day"] = pd.Timestamp(day)
# In one call popmon 1.x hands the reference's frame on where it wants its histograms.
references = reference.pm_make_histograms(time_axis="day", time_width="1w", time_offset="2026-01-01")
histograms = current.pm_make_histograms(
    features=list(references), bin_specs=popmon.get_bin_specs(references), time_axis="day"
)
store = popmon.stability_metrics(
    histograms, popmon.Settings(time_axis="day", reference_type="external"), reference=references
)
sys.stdout.write(f"{len(store['comparisons'])}\n")

"""whylogs' profiles of both frames and its drift scores of all columns."""

import sys

import pandas as pd
import whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

reference, current = (why.log(pd.read_parquet(path)).view() for path in sys.argv[1:3])
scores = calculate_drift_scores(target_view=current, reference_view=reference, with_thresholds=True)
sys.stdout.write(f"{sum(score is not None for score in scores.values())}\n")

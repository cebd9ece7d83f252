"""evidently's default drift preset."""

import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
found = Report([DataDriftPreset()]).run(current, reference).dict()["metrics"]
sys.stdout.write(f"{sum(metric['metric_name'].startswith('ValueDrift') for metric in found)}\n")

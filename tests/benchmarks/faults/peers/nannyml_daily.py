"""What NannyML's calculators say of each day by their defaults: the alerting columns by date, as JSON.

Its univariate drift, missing values, unseen values and row count, in chunks of a day.
"""

import json
import sys
from collections import defaultdict

import nannyml as nml
import pandas as pd

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
time = sys.argv[3]
columns = [name for name in reference.columns if name != time]
texts = [name for name in columns if reference[name].dtype == object]
for frame in (reference, current):
    for name in texts:
        frame[name] = frame[name].astype("category")

given = {"chunk_period": "D", "timestamp_column_name": time}
calculators = [
    nml.UnivariateDriftCalculator(column_names=columns, **given),
    nml.MissingValuesCalculator(column_names=columns, **given),
    nml.SummaryStatsRowCountCalculator(**given),
]
if texts:
    calculators.append(nml.UnseenValuesCalculator(column_names=texts, **given))

alerts = defaultdict(set)
for calculator in calculators:
    calculator.fit(reference)
    found = calculator.calculate(current).filter(period="analysis").to_df()
    # the name of a chunk is its date, wherever the levels of the columns are
    days = found.xs("key", axis=1, level=-1).iloc[:, 0]
    for column in (one for one in found.columns if one[-1] == "alert"):
        for day in days[found[column].fillna(value=False).astype(bool)]:
            alerts[str(day)].add(column[0])
sys.stdout.write(json.dumps({day: sorted(names) for day, names in alerts.items()}) + "\n")

"""NannyML's univariate drift by its defaults, in chunks of a day: the alerting columns of each day, as JSON."""

import json
import sys

import nannyml as nml
import pandas as pd

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
columns = list(reference.columns)
for frame in (reference, current):
    for name in frame.select_dtypes(["object"]):
        frame[name] = frame[name].astype("category")
calculator = nml.UnivariateDriftCalculator(column_names=columns, chunk_size=int(sys.argv[3]))
calculator.fit(reference)
found = calculator.calculate(current).filter(period="analysis").to_df()
alerts = [[name for name in columns if found[name, "jensen_shannon", "alert"].iloc[at]] for at in range(len(found))]
sys.stdout.write(json.dumps(alerts) + "\n")

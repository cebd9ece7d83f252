"""NannyML's univariate drift of one chunk, Jensen-Shannon for all columns."""

import sys

import nannyml as nml
import pandas as pd

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
columns = list(reference.columns)
for frame in (reference, current):
    for name in frame.select_dtypes(["object", "bool"]):
        frame[name] = frame[name].astype("category")
calculator = nml.UnivariateDriftCalculator(
    column_names=columns,
    continuous_methods=["jensen_shannon"],
    categorical_methods=["jensen_shannon"],
    chunk_number=1,
)
calculator.fit(reference)
sys.stdout.write(f"{len(calculator.calculate(current).to_df().columns)}\n")

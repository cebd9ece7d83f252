"""Two data sets side by side: no spec, no store, no history, no Airflow."""

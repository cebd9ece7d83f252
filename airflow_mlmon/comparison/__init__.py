"""Comparison of two data sets, without a spec, a store or Airflow."""

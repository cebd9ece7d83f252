"""Pages of the monitored models in Airflow's UI."""

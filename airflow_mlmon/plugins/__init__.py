"""What Airflow's own pages show of the monitored models."""

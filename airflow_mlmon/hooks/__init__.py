"""Hooks to what is configured in Airflow: settings, connections, stores."""

"""Delivery of alerts through Airflow notifiers."""

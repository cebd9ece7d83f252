"""Delivery of alerts through the notifiers of Airflow."""

"""Dashboards of Grafana in Python; `make dashboards` writes them as JSON beside this folder."""

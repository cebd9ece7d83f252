"""Example DAGs that act on the monitoring of a model."""

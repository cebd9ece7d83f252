"""Examples of DAGs that follow on from the monitoring of a model."""

"""Scripts among these modules that other interpreters and processes run are not collected."""

collect_ignore = ["captured_app.py", "mlflow_model.py"]

"""Import what tasks need before the workers of the LocalExecutor or of Celery fork them."""

from __future__ import annotations

import sys

if sys.argv[1:2] in (["scheduler"], ["celery"]):
    from airflow_mlmon.preload import preload_tasks

    preload_tasks()

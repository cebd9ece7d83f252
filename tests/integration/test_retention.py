"""What is stored of old days is pruned by age, and the days to come are evaluated as if it were not."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.retention.prune import plan_pruning, prune
from airflow_mlmon.spec.retention import Stored
from tests.support.archive import FIRST, Archive
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, stored_rows, write_file

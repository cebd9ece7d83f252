"""One Airflow, with the pages of its models, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser

from tests.support.api_server import ApiServer
from tests.support.browser import chromium
from tests.support.monitored import run_models, write_models


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    home = tmp_path_factory.mktemp("airflow")
    settings = write_models(home)
    with ThreadPoolExecutor() as aside:
        days = aside.submit(run_models, home, settings)
        with ApiServer(home, settings) as started:
            days.result()
            yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started

"""An ASGI application that logs a row for each request, and closes nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.support.captured import open_capture

capture = open_capture(Path(os.environ["MLMON_TEST_FOLDER"]), flush_seconds=60)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    del receive
    if scope["type"] != "http":
        return
    key = capture.log({"amount": 1.0}, 0.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": key.encode()})

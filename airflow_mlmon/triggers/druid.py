"""Trigger that waits for Druid's tasks in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_mlmon.druid.retry import Retry, pause_s
from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.druid import MlmonDruidHook

# a failed poll is repeated at the next turn; a thread of the triggerer is not held for long
_POLL = Retry(attempts=1)
_STOP = Retry(attempts=3)


class DruidTasksTrigger(BaseTrigger):
    """Fire when none of the tasks is running any more, or at the deadline; the operator then checks Druid itself.

    Args:
        conn_id: id of the Druid connection.
        task_ids: ids of the tasks to wait for.
        deadline: latest time to fire, in seconds since 1970.
        state: returned to the operator in the event; `dag.test()` loses everything else.
        poll_s: longest pause between two polls.
    """

    def __init__(
        self, *, conn_id: str, task_ids: Sequence[str], deadline: float, state: dict[str, Any], poll_s: float = 5.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's is untyped
        self.conn_id = conn_id
        self.task_ids = list(task_ids)
        self.deadline = deadline
        self.state = state
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class and arguments, from which another triggerer recreates it."""
        arguments = {
            "conn_id": self.conn_id,
            "task_ids": self.task_ids,
            "deadline": self.deadline,
            "state": self.state,
            "poll_s": self.poll_s,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll periodically; a Druid that does not answer for a while is tolerated."""
        began = time.monotonic()
        while time.time() < self.deadline and not await self._is_over():  # noqa: ASYNC110 - Druid sends no event
            await asyncio.sleep(pause_s(time.monotonic() - began, self.poll_s))
        yield TriggerEvent({"state": self.state})  # type: ignore[no-untyped-call]  # Airflow's is untyped

    async def on_kill(self) -> None:
        """Cancel the tasks in Druid, because a person ended the Airflow task."""
        client = await MlmonDruidHook(self.conn_id).get_client_async(_STOP)
        await asyncio.to_thread(client.shutdown_all, self.task_ids)

    async def _is_over(self) -> bool:
        try:
            client = await MlmonDruidHook(self.conn_id).get_client_async(_POLL)
            return not await asyncio.to_thread(client.is_any_running, self.task_ids)
        except MlmonError as error:
            self.log.warning("Waiting for Druid: %s", error)
            # a permanent error, e.g. a refused login, is left to the operator to report
            return not error.retryable

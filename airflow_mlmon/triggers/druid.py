"""Waits for Druid's tasks in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_mlmon.druid.retry import Retry, pause_s
from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.druid import MlmonDruidHook

# a poll that fails is made again at the next turn; a thread of the triggerer is not held for long
_POLL = Retry(attempts=1)
_STOP = Retry(attempts=3)


class DruidTasksTrigger(BaseTrigger):
    """Fires when none of the tasks runs any more, or at the deadline; the operator then looks for itself.

    Args:
        conn_id: the connection to Druid.
        task_ids: the tasks that are waited for.
        deadline: when to fire at the latest, in seconds since 1970.
        state: what the operator gets back in the event; `dag.test()` loses what is not in it.
        poll_s: the longest pause between two looks.
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
        """Class and arguments, from which another triggerer makes it anew."""
        arguments = {
            "conn_id": self.conn_id,
            "task_ids": self.task_ids,
            "deadline": self.deadline,
            "state": self.state,
            "poll_s": self.poll_s,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look from time to time; a Druid that does not answer for a while is waited for."""
        began = time.monotonic()
        while time.time() < self.deadline and not await self._is_over():  # noqa: ASYNC110 - Druid sends no event
            await asyncio.sleep(pause_s(time.monotonic() - began, self.poll_s))
        yield TriggerEvent({"state": self.state})  # type: ignore[no-untyped-call]  # Airflow's is untyped

    async def on_kill(self) -> None:
        """Stop the tasks in Druid, because a person has ended the Airflow task."""
        client = await MlmonDruidHook(self.conn_id).get_client_async(_STOP)
        await asyncio.to_thread(client.shutdown_all, self.task_ids)

    async def _is_over(self) -> bool:
        try:
            client = await MlmonDruidHook(self.conn_id).get_client_async(_POLL)
            return not await asyncio.to_thread(client.is_any_running, self.task_ids)
        except MlmonError as error:
            self.log.warning("Waiting for Druid: %s", error)
            # what does not pass by itself, a refused login say, the operator shall meet and tell
            return not error.retryable

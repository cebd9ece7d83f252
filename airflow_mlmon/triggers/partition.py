"""Trigger that waits for a day's complete predictions in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_mlmon.errors import MlmonError
from airflow_mlmon.partition import Partition

if TYPE_CHECKING:
    from airflow_mlmon.spec import ModelSpec
    from airflow_mlmon.spec.archives import Predictions

# pause between two looks at the archive
POLL_S = 300.0


def deadline_of(spec: ModelSpec, partition: Partition) -> datetime:
    """Return when a day is processed as it is."""
    return partition.end + timedelta(hours=spec.predictions.deadline_hours)


def is_complete(spec: ModelSpec, partition: Partition, now: datetime) -> bool:
    """Say whether a day can be processed: its predictions are all there, or its deadline has passed."""
    return now >= deadline_of(spec, partition) or not explain_wait(spec.predictions, partition, now)


def explain_wait(predictions: Predictions, partition: Partition, now: datetime) -> str:
    """Say what a day waits for before its deadline; empty if its predictions are all there."""
    from airflow_mlmon.archive.layouts.readiness import explain_unready  # noqa: PLC0415 - heavy
    from airflow_mlmon.hooks.storage import open_storage  # noqa: PLC0415

    if predictions.ready is None:
        return "waits for the deadline"
    store = open_storage().at(predictions.paths[0], predictions.connection)
    return explain_unready(store, predictions, partition, now)


class PartitionTrigger(BaseTrigger):
    """Fire when the day is complete, or at the deadline; the sensor then looks itself.

    It carries the declaration of the archive, because a triggerer need not have the spec's file.

    Args:
        model: name of the model.
        day: key of the partition.
        zone: zone of the day.
        predictions: section `predictions` of the spec.
        deadline: latest time to fire, in seconds since 1970.
        poll_s: pause between two looks at the archive.
    """

    def __init__(
        self, *, model: str, day: str, zone: str, predictions: dict[str, Any], deadline: float, poll_s: float
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's is untyped
        self.model = model
        self.day = day
        self.zone = zone
        self.predictions = predictions
        self.deadline = deadline
        self.poll_s = poll_s

    @classmethod
    def of_day(cls, spec: ModelSpec, partition: Partition, poll_s: float) -> PartitionTrigger:
        """Return the trigger that waits for a day of a model."""
        return cls(
            model=spec.model,
            day=partition.key,
            zone=partition.zone,
            predictions=spec.predictions.model_dump(mode="json", exclude_defaults=True),
            deadline=deadline_of(spec, partition).timestamp(),
            poll_s=poll_s,
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class and arguments, from which another triggerer recreates it."""
        names = ("model", "day", "zone", "predictions", "deadline", "poll_s")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look periodically; a store that does not answer for a while is tolerated."""
        while (left := self.deadline - time.time()) > 0 and not await self._is_over():  # noqa: ASYNC110 - a store sends no event
            await asyncio.sleep(min(self.poll_s, left))
        yield TriggerEvent({})  # type: ignore[no-untyped-call]  # Airflow's is untyped

    async def _is_over(self) -> bool:
        try:
            return not await asyncio.to_thread(self._explain)
        except MlmonError as error:
            self.log.warning("Waiting for the predictions of %s %s: %s", self.model, self.day, error)
            # a permanent error, e.g. a refused login, is left to the sensor to report
            return not error.retryable

    def _explain(self) -> str:
        from airflow_mlmon.spec.archives import Predictions  # noqa: PLC0415 - heavy

        partition = Partition.from_key(self.model, self.day, self.zone)
        return explain_wait(Predictions.model_validate(self.predictions), partition, datetime.now(UTC))

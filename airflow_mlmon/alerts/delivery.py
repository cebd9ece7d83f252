"""Delivery of the alerts in the outbox: one message for each day, with its result recorded.

Delivery is at least once: a row is marked as sent only after the receiver's reply. A sender that dies in between
sends its last message again, and the fingerprints identify the repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from airflow_mlmon.alerts.channels import Sender
from airflow_mlmon.alerts.message import day_message
from airflow_mlmon.errors import ConfigError, MlmonError, ServiceRejectedError
from airflow_mlmon.links import TraceLinks
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.outbox import Claim

# one pass must end within the lease
_MOST_MESSAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """Results of one delivery pass."""

    messages: int = 0
    sent: int = 0
    failed: int = 0
    errors: tuple[str, ...] = ()

    def joined(self, other: DeliveryReport) -> DeliveryReport:
        """Return the sum of this report and another."""
        return DeliveryReport(
            messages=self.messages + other.messages,
            sent=self.sent + other.sent,
            failed=self.failed + other.failed,
            errors=self.errors + other.errors,
        )


def deliver(
    store: MetricStore,
    senders: Mapping[str, Sender],
    now: datetime,
    *,
    model: str | None = None,
    page_url: Callable[[Partition], str] = lambda _: "",
    links: Callable[[Partition], TraceLinks] = lambda _: TraceLinks(),
    tells: Callable[[str, Alert], bool] = lambda *_: True,
) -> DeliveryReport:
    """Send the pending alerts, up to 20 messages; a failure does not stop the others.

    Args:
        store: the store with the outbox.
        senders: by the key of the channel; a channel without a sender counts as failed.
        now: the time of this pass.
        model: only the alerts of this model, whose senders these are.
        page_url: returns the address of a day's page, for the message.
        links: returns those of a day to its trace and its log, for the message.
        tells: decides if an alert is meant for the channel of that key; otherwise it counts as sent.
    """
    messages = sent = failed = 0
    errors: list[str] = []
    # one message at a time: a crash of this process costs one attempt of one message
    while messages < _MOST_MESSAGES and (claims := store.claim_pending(1, now, model=model)):
        store.mark_sent([claim.id for claim in claims if not tells(claim.channel, claim.alert)], now)
        claims = [claim for claim in claims if tells(claim.channel, claim.alert)]
        if not claims:
            continue
        messages += 1
        try:
            with foreign_failures(claims[0].channel):
                _send(senders, claims, page_url, links)
        except MlmonError as error:
            # a receiver may have taken the others
            refused = error.refused if isinstance(error, ServiceRejectedError) else ()
            ids = [claim.id for claim in claims if not refused or claim.alert.fingerprint in refused]
            errors.append(f"{claims[0].state.partition}, {claims[0].channel}: {error}")
            store.mark_failed(ids, str(error), now)
        else:
            ids = []
        failed += len(ids)
        arrived = [claim.id for claim in claims if claim.id not in ids]
        sent += len(arrived)
        store.mark_sent(arrived, now)
    return DeliveryReport(messages=messages, sent=sent, failed=failed, errors=tuple(errors))


@contextmanager
def foreign_failures(channel: str) -> Iterator[None]:
    """Convert any exception of a channel's own code to an error, so that it does not stop other channels.

    Raises:
        ServiceRejectedError: the code raised another exception; its text may contain a secret and is left out.
    """
    try:
        yield
    except MlmonError:
        raise
    except Exception as error:
        raise ServiceRejectedError(f"The channel {channel!r} failed with {type(error).__name__}.") from error


def _send(
    senders: Mapping[str, Sender],
    claims: Sequence[Claim],
    page_url: Callable[[Partition], str],
    links: Callable[[Partition], TraceLinks],
) -> None:
    channel = claims[0].channel
    if channel not in senders:
        raise ConfigError(f"The channel {channel!r} is no longer in the spec.", valid=sorted(senders))
    day = claims[0].state
    alerts = [claim.alert for claim in claims]
    senders[channel].send(day_message(day, alerts, page_url(day.partition), links(day.partition)))

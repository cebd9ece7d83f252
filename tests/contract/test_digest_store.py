"""Morning messages in the metric store: each is sent once, and told what the next one is compared with."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from airflow_mlmon.store.digest_store import digests
from airflow_mlmon.store.outbox import LEASE, MAX_ATTEMPTS
from tests.support.hostile import HOSTILE
from tests.support.many_models import MORNING, TODAY

OF = ("risk", "webhook:ops")


def test_a_message_is_claimed_once_and_again_when_its_sender_died(store):
    assert store.claim_digest(*OF, TODAY, MORNING)
    assert not store.claim_digest(*OF, TODAY, MORNING)
    assert store.claim_digest("risk", "log", TODAY, MORNING)
    assert store.claim_digest("other", "webhook:ops", TODAY, MORNING)
    assert store.claim_digest(*OF, TODAY, MORNING + LEASE)


def test_a_sent_message_is_not_claimed_again_on_its_day(store):
    store.claim_digest(*OF, TODAY, MORNING)
    store.finish_digest(*OF, TODAY, {"key": "text"}, MORNING)

    assert not store.claim_digest(*OF, TODAY, MORNING + 2 * LEASE)
    assert store.claim_digest(*OF, TODAY + timedelta(days=1), MORNING)
    assert store.last_digest(*OF) == {"key": "text"}
    assert store.last_digest("risk", "log") == {}


def test_a_failed_message_is_tried_again_but_not_for_ever(store):
    for _ in range(MAX_ATTEMPTS):
        assert store.claim_digest(*OF, TODAY, MORNING)
        store.fail_digest(*OF, TODAY, "no reply")

    assert not store.claim_digest(*OF, TODAY, MORNING)
    assert store.last_digest(*OF) == {}


def test_what_was_told_long_ago_is_deleted(store):
    for days in (0, 31):
        store.claim_digest(*OF, TODAY + timedelta(days=days), MORNING)
        store.finish_digest(*OF, TODAY + timedelta(days=days), {"day": str(days)}, MORNING)

    with store._database.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(digests)) == 1
    assert store.last_digest(*OF) == {"day": "31"}


def test_owners_of_any_name_have_messages_of_their_own(store):
    for text in HOSTILE.values():
        assert store.claim_digest(text, "log", TODAY, MORNING)
        store.finish_digest(text, "log", TODAY, {text: text}, MORNING)

"""Tokens of forms: whom they are of, for what, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_mlmon.plugins.tokens import Holder, RefusedTokenError, TokenSigner
from tests.support.hostile import HOSTILE

NOW = datetime(2026, 3, 9, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = Holder(user="ada", session="s1")
SIGNER = TokenSigner("secret of Airflow")
TOKEN = SIGNER.sign("edit:loans", ADA, NOW, HOUR)


def test_holder_reads_the_text_until_the_token_expires():
    assert SIGNER.read(TOKEN, ADA, NOW + HOUR - timedelta(seconds=1)) == "edit:loans"
    with pytest.raises(RefusedTokenError, match="expired"):
        SIGNER.read(TOKEN, ADA, NOW + HOUR)


@pytest.mark.parametrize(
    "holder",
    [
        pytest.param(Holder(user="bob", session="s1"), id="user"),
        pytest.param(Holder(user="ada", session="s2"), id="session"),
        pytest.param(Holder(user="adas", session="1"), id="parts-shifted"),
        pytest.param(Holder(user="", session="adas1"), id="parts-joined"),
    ],
)
def test_token_is_of_no_other_holder(holder):
    with pytest.raises(RefusedTokenError, match="not signed"):
        SIGNER.read(TOKEN, holder, NOW)


def test_token_is_of_no_other_key():
    with pytest.raises(RefusedTokenError, match="not signed"):
        TokenSigner("another").read(TOKEN, ADA, NOW)


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_changed_token_is_refused(place):
    changed = TOKEN[:place] + ("A" if TOKEN[place] != "A" else "B") + TOKEN[place + 1 :]

    with pytest.raises(RefusedTokenError):
        SIGNER.read(changed, ADA, NOW)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d", "a.1.é", "a.-1.b", f"{TOKEN}."])
def test_text_that_is_no_token_is_refused(text):
    with pytest.raises(RefusedTokenError):
        SIGNER.read(text, ADA, NOW)


@pytest.mark.parametrize("text", [text for name, text in HOSTILE.items() if name != "control"])
def test_any_text_comes_back_as_it_was(text):
    token = SIGNER.sign(text, ADA, NOW, HOUR)

    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.")
    assert SIGNER.read(token, ADA, NOW) == text

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.druid.redaction import redact

SECRET = "5f0e1d2c3b4a"  # noqa: S105 - made up


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://b.s3.amazonaws.com/day.json.gz?X-Amz-Expires=60&X-Amz-Signature={SECRET} failed",
        f'{{"uris":["https://s3/day.gz?AWSAccessKeyId=a&Signature={SECRET}"]}}',
        f"https://s3/day.gz?a=1\\u0026X-Amz-Signature={SECRET}",
        f"https://account.blob.core.windows.net/c/day.gz?sv=2024&sig={SECRET}",
        f"cut off in the middle: &X-Amz-Signature={SECRET}&x=1",
        f"X-Amz-Security-Token={SECRET}",
        f"http://mlmon:{SECRET}@druid:8888/status",
        f"Authorization: Basic {SECRET}",
        f"Authorization: Bearer {SECRET}",
        f'{{"secretAccessKey": "{SECRET}"}}',
        f'"{{\\"password\\":\\"{SECRET}\\"}}"',
    ],
)
def test_a_secret_is_taken_out(text):
    assert SECRET not in redact(text)


def test_what_is_no_secret_stays():
    text = "Unable to parse row 3 of http://host:1234/folder/day.json.gz: task basic not found"

    assert redact(text) == text


@given(st.text(), st.text(min_size=4), st.text())
def test_a_given_secret_never_survives(before, secret, after):
    assert secret not in redact(f"{before}{secret}{after}", [secret]).replace("[redacted]", "\0")


@given(st.text(alphabet="abcdefABCDEF0123456789%+/", min_size=8), st.text(alphabet="abc/._-%0", min_size=1))
def test_the_query_of_an_address_never_survives(signature, path):
    assert f"sign={signature}" not in redact(f"failed: http://host/{path}?sign={signature}")

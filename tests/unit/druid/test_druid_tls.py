"""Mutual TLS with a server that asks for a certificate."""

from __future__ import annotations

import json

import pytest

from airflow_mlmon.hooks.druid import MlmonDruidHook
from tests.support.druid.certificates import Authority
from tests.support.druid.scripted import as_json, scripted

STATUS = as_json({"version": "33.0.0", "modules": [{"name": "x.SketchModule", "artifact": "druid-datasketches"}]})


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def client_pair(authority):
    return authority.issue("mlmon")


@pytest.fixture
def answer(authority, monkeypatch):
    """What the test of a connection says, with these fields, of a server that asks for a certificate."""

    def _answer(**extra):
        context = authority.server_context(authority.issue("druid"))
        with scripted(STATUS, tls=context) as server:
            connection = {"conn_type": "mlmon_druid", "host": server.url, "extra": extra}
            monkeypatch.setenv("AIRFLOW_CONN_MLMON_DRUID_DEFAULT", json.dumps(connection))
            return MlmonDruidHook().test_connection()

    return _answer


def test_a_client_certificate_opens_the_door(authority, client_pair, answer):
    works, message = answer(
        ca_file=str(authority.pair.certificate),
        client_cert_file=str(client_pair.certificate),
        client_key_file=str(client_pair.key),
    )

    assert works, message
    assert "33.0.0" in message


def test_without_a_client_certificate_the_door_stays_shut(authority, answer):
    works, message = answer(ca_file=str(authority.pair.certificate))

    assert not works
    assert "127.0.0.1" in message


def test_a_client_certificate_of_another_authority_is_refused(authority, answer, tmp_path):
    stranger = Authority(tmp_path, "stranger").issue("mlmon")

    works, _ = answer(
        ca_file=str(authority.pair.certificate),
        client_cert_file=str(stranger.certificate),
        client_key_file=str(stranger.key),
    )

    assert not works


def test_a_server_of_an_unknown_authority_is_not_trusted(client_pair, answer):
    works, message = answer(client_cert_file=str(client_pair.certificate), client_key_file=str(client_pair.key))

    assert not works
    assert "check CA certificates" in message


def test_a_file_that_is_no_key_is_a_word_not_a_crash(authority, client_pair, answer):
    works, message = answer(
        ca_file=str(authority.pair.certificate),
        client_cert_file=str(client_pair.certificate),
        client_key_file=str(client_pair.certificate),
    )

    assert not works
    assert "client key" in message

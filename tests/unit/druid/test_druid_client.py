from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from airflow_mlmon.druid.auth import BasicAuth, BearerAuth
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.errors import ConfigError, NotFoundError, ServiceRejectedError, ServiceUnavailableError
from tests.support.druid.scripted import Reply, as_json, scripted

STATUS = as_json({"version": "33.0.0", "modules": [{"name": "x.SketchModule", "artifact": "druid-datasketches"}]})
HTML = Reply(status=502, body=b"<html>Bad Gateway</html>", kind="text/html; charset=iso-8859-1")
RUNNING = as_json({"task": "t", "status": {"id": "t", "statusCode": "RUNNING", "errorMsg": None}})
LOGIN = BasicAuth(user="mlmon", password="correct horse")


def client(url, **settings):
    settings = {"retry": Retry(attempts=3), "timeout_s": 5, "sleep": lambda _: None} | settings
    return DruidClient(url, **settings)


def test_status_names_version_and_extensions():
    with scripted(STATUS) as server:
        status = client(server.url).status()

    assert (status.version, status.extensions) == ("33.0.0", ("druid-datasketches",))


def test_busy_answers_are_tried_again_after_growing_pauses():
    pauses = []

    with scripted(Reply(status=503), Reply(status=429), STATUS) as server:
        status = client(server.url, sleep=pauses.append, random=lambda: 1.0).status()

    assert status.version == "33.0.0"
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=500), id="500"),
        pytest.param(HTML, id="502-html"),
        pytest.param(Reply(body=b"<html>log in</html>", kind="text/html"), id="200-html"),
        pytest.param(Reply(body=b'{"version": "33.'), id="json-cut-off"),
        pytest.param(Reply(body=b'{"version": "33.', missing=40), id="connection-cut-off"),
        pytest.param(Reply(status=307, headers={"Location": "/status"}), id="307-circle"),
    ],
)
def test_an_answer_that_stays_bad_is_unavailable_after_the_last_try(reply):
    with scripted(reply) as server, pytest.raises(ServiceUnavailableError):
        client(server.url, retry=Retry(attempts=2)).status()

    assert len(server.requests) == (2 if reply.status != 307 else 6)


def test_a_truncated_answer_is_asked_for_again():
    with scripted(Reply(body=b'{"version": "33.', missing=40), STATUS) as server:
        assert client(server.url).status().version == "33.0.0"


@pytest.mark.parametrize(
    "reply", [Reply(delay_s=30), Reply(body=b"[" + b" " * 600 + b"]", drip_s=0.05)], ids=["silent", "drips"]
)
def test_an_answer_that_does_not_end_is_given_up(reply):
    began = time.monotonic()

    with scripted(reply) as server:
        with pytest.raises(ServiceUnavailableError, match="did not answer"):
            client(server.url, timeout_s=0.3, retry=Retry(attempts=1)).status()
        took = time.monotonic() - began

    assert took < 20


def test_nobody_listening_is_unavailable():
    with scripted(STATUS) as server:
        pass

    with pytest.raises(ServiceUnavailableError, match="cannot be reached"):
        client(server.url, retry=Retry(attempts=2)).status()


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_said_at_once_and_not_shown(status):
    reply = Reply(status=status, body=b"Unauthorized: correct horse", kind="text/plain")

    with scripted(reply) as server, pytest.raises(ServiceRejectedError) as caught:
        client(server.url, auth=LOGIN).status()

    assert len(server.requests) == 1
    assert "correct horse" not in str(caught.value)
    assert "login" in caught.value.hint


def test_a_redirect_to_a_foreign_host_is_refused_and_gets_no_credentials():
    with scripted(STATUS) as foreign:
        away = Reply(status=307, headers={"Location": f"{foreign.url}/status"})
        with scripted(away) as server, pytest.raises(ServiceUnavailableError, match=foreign.host):
            client(server.url, auth=LOGIN).status()

    assert foreign.requests == []


def test_a_redirect_to_a_named_host_carries_body_and_credentials():
    with scripted(as_json({"task": "t"})) as leader:
        away = Reply(status=307, headers={"Location": f"{leader.url}/druid/indexer/v1/task"})
        with scripted(away) as server:
            client(server.url, auth=LOGIN, redirect_hosts=[leader.host]).submit({"id": "t"})

    [request] = leader.requests
    assert (request.method, json.loads(request.body)) == ("POST", {"id": "t"})
    assert request.headers["Authorization"] == LOGIN.header


def test_another_redirect_is_not_followed():
    with scripted(Reply(status=302, headers={"Location": "/login"})) as server, pytest.raises(ServiceRejectedError):
        client(server.url).status()

    assert len(server.requests) == 1


def test_a_bearer_token_is_sent():
    with scripted(STATUS) as server:
        client(server.url, auth=BearerAuth(token="abc.def")).status()

    assert server.requests[0].headers["Authorization"] == "Bearer abc.def"


def test_credentials_of_a_netrc_file_are_not_sent(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with scripted(STATUS) as server:
        client(server.url).status()

    assert "Authorization" not in server.requests[0].headers


def test_credentials_are_not_shown_by_their_class():
    assert "horse" not in repr(LOGIN)
    assert "abc" not in repr(BearerAuth(token="abc.def"))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"error": "druidException", "errorCode": "entryAlreadyExists", "errorMessage": "Task"}, id="33"),
        pytest.param({"error": "Task[t] already exists!"}, id="25"),
    ],
)
def test_a_task_of_a_known_id_is_no_error(answer):
    with scripted(as_json(answer, status=400)) as server:
        assert client(server.url).submit({"id": "t"}) is False


def test_a_submission_whose_answer_was_lost_is_sent_again():
    with scripted(HTML, as_json({"error": "Task[t] already exists!"}, status=400)) as server:
        client(server.url).submit({"id": "t"})

    assert [request.method for request in server.requests] == ["POST", "POST"]


def test_a_task_without_an_id_is_not_sent():
    with scripted(STATUS) as server, pytest.raises(ValueError, match="id"):
        client(server.url).submit({"type": "index_parallel"})

    assert server.requests == []


def test_a_task_that_druid_refuses_is_rejected_without_its_signature():
    answer = {"error": "x", "errorMessage": "bad uri http://s3/b.gz?X-Amz-Signature=0123abcd"}

    with scripted(as_json(answer, status=400)) as server, pytest.raises(ServiceRejectedError) as caught:
        client(server.url).submit({"id": "t"})

    assert "bad uri" in str(caught.value)
    assert "0123abcd" not in str(caught.value)


def test_an_unknown_task_is_none():
    with scripted(Reply(status=404, body=b"Cannot find any task with id: [t]", kind="text/plain")) as server:
        druid = client(server.url)

        assert druid.task_status("t") is None
        assert druid.task_report("t") is None
        assert druid.shutdown("t") is False


def test_a_router_that_does_not_pass_tasks_on_is_not_taken_for_an_unknown_task():
    page = Reply(status=404, body=b"<html>", kind="text/html")

    with scripted(page) as server, pytest.raises(ServiceRejectedError, match="managementProxy"):
        client(server.url).task_status("t")


def test_a_task_id_cannot_leave_its_place_in_the_path():
    with scripted(RUNNING) as server:
        client(server.url).task_status("../t?x")

    assert server.requests[0].path == "/druid/indexer/v1/task/..%2Ft%3Fx/status"


def test_an_answer_of_another_shape_is_rejected():
    with scripted(as_json({"task": "t"})) as server, pytest.raises(ServiceRejectedError, match="unknown format"):
        client(server.url).task_status("t")


def test_sql_binds_its_parameters():
    with scripted(as_json([{"n": 1}])) as server:
        rows = client(server.url).sql("SELECT ?", ["a", 1, 0.5, True, None, datetime(2013, 3, 8, tzinfo=UTC)])

    assert rows == [{"n": 1}]
    sent = json.loads(server.requests[0].body)["parameters"]
    assert [(one["type"], one["value"]) for one in sent] == [
        ("VARCHAR", "a"),
        ("BIGINT", 1),
        ("DOUBLE", 0.5),
        ("BOOLEAN", True),
        ("VARCHAR", None),
        ("TIMESTAMP", "2013-03-08T00:00:00.000Z"),
    ]


def test_sql_on_an_unknown_datasource_is_not_found():
    answer = {"errorCode": "invalidInput", "errorMessage": "Object 'nowhere' not found (line [1], column [15])"}

    with scripted(as_json(answer, status=400)) as server, pytest.raises(NotFoundError, match="nowhere"):
        client(server.url).sql("SELECT 1 FROM nowhere")


def test_marking_an_unknown_datasource_marks_nothing():
    with scripted(Reply(status=204, body=b"")) as server:
        assert client(server.url).mark_unused("nowhere", "2013-03-08/2013-03-09") == 0


@pytest.mark.parametrize(
    "url", ["", "druid:8888", "ftp://druid", "http://", "http://druid:port", "http://druid?x=1", "http://a:b@druid"]
)
def test_a_wrong_url_is_a_config_error(url):
    with pytest.raises(ConfigError):
        client(url)

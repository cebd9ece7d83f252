"""The pages in Airflow's real API server: who gets them, how they are sent, and how they look in its UI."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Frame, Page

from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Status
from airflow_mlmon.reports.evidently import write_evidently
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.api_server import ApiServer
from tests.support.browser import chromium
from tests.support.evidently import flights_frame, flights_spec
from tests.support.pages import drift
from tests.support.published import alert, partition_state, results
from tests.support.s3 import MotoServer

pytestmark = pytest.mark.service

DAYS = ("2026-03-08", "2026-03-09")
GARBAGE = "no.such.token"
DAY = "/mlmon/loans/2026-03-09"
LINKED = '<p>{title}</p><a id="index" href="../index.html">index</a><a id="evidently" href="evidently.html">more</a>'
DAGS = """
from airflow.sdk import DAG, CronDataIntervalTimetable
from airflow.providers.standard.operators.empty import EmptyOperator

for name in ("loans", "other.dag"):
    with DAG(name, schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC")) as globals()[name]:
        EmptyOperator(task_id="nothing")
"""


def written_reports(moto: MotoServer) -> str:
    """Put the reports of two days into a bucket; the workspace."""
    client, bucket = moto.client(), moto.bucket("plugin-app")
    report = write_evidently(
        current=flights_frame(300),
        reference=flights_frame(600, seed=1),
        drift=[drift("wind", 0.3)],
        kinds={},
        verdicts={},
        spec=flights_spec(),
        title="loans",
    )
    files = {"index.html": '<p>all days</p><a id="day" href="2026-03-09/report.html">day</a>'}
    for day in DAYS:
        files[f"{day}/report.html"] = LINKED.format(title=f"day {day}")
    for name, content in files.items():
        client.put_object(Bucket=bucket, Key=f"mlmon/reports/loans/{name}", Body=content.encode())
    for name, content in {"evidently.html": report.html, "evidently.json": report.json}.items():
        client.put_object(Bucket=bucket, Key=f"mlmon/reports/loans/2026-03-09/{name}", Body=content)
    client.put_object(Bucket=bucket, Key=f"mlmon/reports/loans/{report.script_name}", Body=report.script)
    # which nobody may read, though it lies beside the reports
    client.put_object(Bucket=bucket, Key="mlmon/reports/loans/2026-03-09/curated.parquet", Body=b"PAR1")
    return f"s3://{bucket}/mlmon"


def written_store(path: Path) -> str:
    """A store with two days of the model loans and one of churn; its URL."""
    url = f"sqlite:///{path}"
    with MetricStore(url) as store:
        for day in DAYS:
            of = Partition.of_day("loans", date.fromisoformat(day))
            alerts = (alert(of=of),) if day == DAYS[-1] else ()
            store.publish(partition_state(of), [results(of, alerts=alerts)], supersedes=None)
        store.publish(
            partition_state(Partition.of_day("churn", date(2026, 3, 9)), status=Status.NO_DATA), [], supersedes=None
        )
    return url


@pytest.fixture(scope="module")
def server(moto, tmp_path_factory) -> Iterator[ApiServer]:
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    (home / "dags" / "models.py").write_text(DAGS)
    environment = {
        "AIRFLOW__MLMON__STORE": written_store(home / "store.db"),
        "AIRFLOW__MLMON__WORKSPACE": written_reports(moto),
        "AIRFLOW__MLMON__WORKSPACE_CONNECTION": "reports",
        "AIRFLOW_CONN_REPORTS": moto.connection(),
    }
    with ApiServer(home, environment) as started:
        started.start_run("loans", "by_conf", conf={"partition": "2026-03-09"})
        started.start_run("loans", "too_early", conf={"partition": "2026-03-20"})
        started.start_run("loans", "2026-03-09", conf={})
        interval = {"data_interval_start": "2026-03-08T00:00:00Z", "data_interval_end": "2026-03-09T00:00:00Z"}
        started.start_run("loans", "by_interval", logical_date="2026-03-09T07:00:00Z", **interval)
        started.start_run("other.dag", "of_other_dag")
        yield started


@pytest.mark.guards("attack-page")
@pytest.mark.parametrize("path", ["/mlmon/", "/mlmon/loans/index.html", f"{DAY}/report.html", "/mlmon/run?a=b"])
def test_page_is_refused_without_a_user(server, path):
    assert server.get(path).status == 401
    assert server.get(path, token=GARBAGE).status == 403
    assert server.get(path, token=GARBAGE, cookie=True).status == 403


def test_refused_visitor_is_shown_the_way_to_log_in(server):
    answer = server.get("/mlmon/loans/index.html")

    assert 'href="/sub/api/v2/auth/login?next=%2Fsub%2Fmlmon%2Floans%2Findex.html"' in answer.text


@pytest.mark.parametrize("cookie", [False, True], ids=["bearer", "cookie"])
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/mlmon/loans/index.html", "all days"),
        (f"{DAY}/report.html", "day 2026-03-09"),
        (f"{DAY}/evidently.html", "plotly"),
        (f"{DAY}/evidently.json", "{"),
    ],
)
def test_viewer_reads_the_reports(server, path, text, cookie):
    answer = server.get(path, "viewer", cookie=cookie)

    assert answer.status == 200
    assert text in answer.text


def test_list_shows_each_model_with_its_latest_day(server):
    answer = server.get("/mlmon/", "viewer")

    assert answer.status == 200
    assert 'href="loans/index.html"' in answer.text
    assert 'href="loans/2026-03-09/report.html"' in answer.text
    assert "1 alert." in answer.text
    assert 'href="churn/index.html"' in answer.text
    assert "No data received." in answer.text


def test_list_leaves_out_what_the_user_may_not_read(server):
    answer = server.get("/mlmon/", "stranger")

    assert "churn" in answer.text
    assert "loans" not in answer.text


@pytest.mark.parametrize(
    "path", ["/mlmon/loans/index.html", f"{DAY}/report.html", "/mlmon/run?dag_id=loans&run_id=by_conf"]
)
def test_page_of_a_model_is_refused_to_those_who_may_not_read_its_dag(server, path):
    assert server.get(path, "stranger").status == 403


@pytest.mark.guards("attack-path")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/mlmon/nothing/index.html", id="model"),
        pytest.param("/mlmon/loans/2026-03-20/report.html", id="day"),
        pytest.param("/mlmon/loans/today/report.html", id="no-day"),
        pytest.param(f"{DAY}/curated.parquet", id="file"),
        pytest.param(f"{DAY}/..%2findex.html", id="encoded-slash"),
        pytest.param(f"{DAY}/%2e%2e%2f%2e%2e%2fstore.db", id="encoded-dots"),
        pytest.param(f"{DAY}/../../../../store.db", id="dots"),
        pytest.param("/mlmon/../loans/index.html/report.html", id="dots-for-a-model"),
        pytest.param("/mlmon/loans/../report.html", id="dots-for-a-day"),
        pytest.param("/mlmon/%2e%2e/index.html", id="dots-for-the-index"),
        pytest.param("/mlmon/loans%2f2026-03-09/index.html", id="day-in-the-model"),
        pytest.param("/mlmon/loans%00/index.html", id="null-byte"),
        pytest.param("/mlmon/Loans/index.html", id="name-that-no-model-has"),
        pytest.param("/mlmon/openapi.json", id="openapi"),
        pytest.param("/mlmon/docs", id="docs"),
        pytest.param("/mlmon/run?dag_id=loans", id="run-without-id"),
        pytest.param("/mlmon/run?dag_id=../reports/loans&run_id=by_conf", id="path-for-a-dag"),
    ],
)
def test_address_of_no_report_is_not_found(server, path):
    assert server.get(path, "viewer").status == 404


@pytest.mark.parametrize(
    ("run_id", "day"), [pytest.param("by_conf", "2026-03-09", id="conf"), ("by_interval", "2026-03-08")]
)
def test_run_leads_to_the_report_of_its_day(server, run_id, day):
    answer = server.get(f"/mlmon/run?dag_id=loans&run_id={run_id}", "viewer")

    assert answer.status == 307
    assert answer.headers["location"] == f"loans/{day}/report.html"


@pytest.mark.parametrize(
    ("dag_id", "run_id", "text"),
    [
        pytest.param("loans", "too_early", "loans 2026-03-20 has no report yet", id="not-yet"),
        pytest.param("loans", "2026-03-09", "names no day to process", id="day-in-the-run-id-only"),
        pytest.param("loans", "unknown", "has no run", id="no-run"),
        pytest.param("other.dag", "of_other_dag", "other.dag is not the DAG of a model", id="other-dag"),
    ],
)
def test_run_without_a_report_is_told_why(server, dag_id, run_id, text):
    answer = server.get(f"/mlmon/run?dag_id={dag_id}&run_id={run_id}", "viewer")

    assert answer.status == 404
    assert text in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/mlmon/",
        f"{DAY}/report.html",
        f"{DAY}/evidently.html",
        "/mlmon/run?dag_id=loans&run_id=by_conf",
        "/mlmon/none/index.html",
    ],
)
@pytest.mark.parametrize("user", ["viewer", None])
def test_every_answer_is_fenced_in(server, path, user):
    headers = server.get(path, user).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_scripts_and_airflows_origin_never_come_together(server):
    page = server.get(f"{DAY}/report.html", "viewer").headers["content-security-policy"]
    evidently = server.get(f"{DAY}/evidently.html", "viewer").headers["content-security-policy"]

    assert page.startswith("sandbox allow-same-origin;")
    assert "script-src" not in page
    assert evidently.startswith("sandbox allow-scripts allow-downloads;")
    assert "allow-same-origin" not in evidently


def test_pages_work_in_the_frame_of_airflows_ui(server):
    with chromium() as browser:
        page = opened(browser.new_page(), server, "/plugin/mlmon")

        shown = followed(page, "text=loans")
        assert "all days" in shown.inner_text("body")
        shown = followed(page, "#day")
        assert "day 2026-03-09" in shown.inner_text("body")
        shown = followed(page, "#evidently")
        shown.wait_for_selector(".js-plotly-plot")
        assert shown.evaluate("self.origin") == "null"


def test_run_shows_its_report_in_airflows_ui(server):
    with chromium() as browser:
        page = opened(browser.new_page(), server, "/dags/loans/runs/by_conf")

        page.click("text=Monitoring report")

        assert "day 2026-03-09" in framed(page).inner_text("body")


def test_store_that_cannot_be_read_is_told_without_its_whereabouts(server):
    path = server.home / "store.db"
    content = path.read_bytes()
    path.write_bytes(b"not a database" * 100)
    try:
        answer = server.get("/mlmon/", "viewer")
    finally:
        path.write_bytes(content)

    assert answer.status == 503
    assert "See the log of the API server for the cause." in answer.text
    assert "store.db" not in answer.text


def opened(page: Page, server: ApiServer, path: str) -> Page:
    base = f"http://127.0.0.1:{server.port}/sub"
    page.context.add_cookies([{"name": "_token", "value": server.tokens["viewer"], "url": base, "sameSite": "Lax"}])
    page.goto(f"{base}{path}")
    return page


def framed(page: Page) -> Frame:
    frame = page.wait_for_selector("iframe").content_frame()
    assert frame is not None
    frame.wait_for_load_state()
    return frame


def followed(page: Page, link: str) -> Frame:
    frame = framed(page)
    with page.expect_response(lambda answer: "/mlmon/" in answer.url):
        frame.click(link)
    return framed(page)

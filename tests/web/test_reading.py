"""The pages in Airflow's real API server: who gets them, how they are sent, and how they are found in its UI."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Frame, Page

from tests.support.api_server import ApiServer
from tests.support.monitored import LAST, OTHERS

pytestmark = pytest.mark.service

GARBAGE = "no.such.token"
DAY = f"/mlmon/loans/{LAST}"
OF_LOANS = ["/mlmon/loans/index.html", f"{DAY}/report.html", "/mlmon/run?dag_id=loans&run_id=by_conf"]
RUNS = {
    "by_conf": {"conf": {"partition": str(LAST)}},
    "too_early": {"conf": {"partition": "2026-03-20"}},
    str(LAST): {"conf": {}},
    "by_interval": {
        "logical_date": "2026-03-07T07:00:00Z",
        "data_interval_start": "2026-03-06T00:00:00Z",
        "data_interval_end": "2026-03-07T00:00:00Z",
    },
}


@pytest.fixture(scope="module", autouse=True)
def runs(server: ApiServer) -> None:
    for run_id, fields in RUNS.items():
        server.start_run("loans", run_id, **fields)
    server.start_run("other.dag", "of_other_dag")


@pytest.mark.guards("attack-page")
@pytest.mark.parametrize("path", ["/mlmon/", "/mlmon/inbox.html", "/mlmon/model?dag_id=loans", *OF_LOANS])
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
        ("/mlmon/loans/index.html", f"{LAST}/report.html"),
        (f"{DAY}/report.html", "Saturday 7 March 2026"),
        (f"{DAY}/evidently.html", "self.origin"),
        (f"{DAY}/evidently.json", "{"),
    ],
)
def test_viewer_reads_the_reports(server, path, text, cookie):
    answer = server.get(path, "viewer", cookie=cookie)

    assert answer.status == 200
    assert text in answer.text


def test_page_of_all_models_leads_to_each_and_to_its_last_day(server):
    answer = server.get("/mlmon/", "viewer")

    assert answer.status == 200
    assert set(re.findall(r'href="(\w+)/index\.html"', answer.text)) == {"loans", *OTHERS}
    assert f'href="churn/{LAST}/report.html"' in answer.text


def models_on(server: ApiServer, path: str, user: str) -> list[str]:
    """The models of a page of models, in their order."""
    rows = BeautifulSoup(server.get(path, user).text, "html.parser").select("tbody tr")
    return [row.select_one("td, th").get_text(" ", strip=True).split()[0] for row in rows]


def test_wrong_spec_among_five_is_seen_with_its_mistake(server):
    page = server.get("/mlmon/", "viewer").text

    assert set(models_on(server, "/mlmon/", "viewer")) == {"loans", "refunds", *OTHERS}
    assert models_on(server, "/mlmon/status-broken.html", "viewer") == ["refunds"]
    assert "predictions" in page


@pytest.mark.parametrize(
    ("user", "models"), [("clerk", {"loans", "churn"}), ("stranger", {"refunds", *OTHERS}), ("starter", {"loans"})]
)
def test_user_sees_the_models_of_those_dags_that_he_may_read(server, user, models):
    page = BeautifulSoup(server.get("/mlmon/", user).text, "html.parser")
    hidden = {"loans", "refunds", *OTHERS} - models

    assert set(models_on(server, "/mlmon/", user)) == models
    assert sum(int(tile.get_text(" ").split()[0]) for tile in page.select(".filters li")) == len(models)
    for path in ("/mlmon/", "/mlmon/status-silent.html", "/mlmon/inbox.html"):
        assert [name for name in hidden if name in server.get(path, user).text] == []


def test_owner_and_tag_of_models_that_a_user_may_not_read_have_no_page(server):
    links = re.findall(r'href="((?:owner|tag)-[^"]+)"', server.get("/mlmon/", "viewer").text)

    assert len(set(links)) == 3
    assert {server.get(f"/mlmon/{link}", "viewer").status for link in links} == {200}
    assert {server.get(f"/mlmon/{link}", "stranger").status for link in links} == {404}


def test_address_of_all_models_and_its_file_name_are_one_page(server):
    pages = [server.get(path, "viewer").text for path in ("/mlmon/", "/mlmon/index.html")]

    assert len({re.sub(r"\d\d:\d\d", "", page) for page in pages}) == 1


@pytest.mark.parametrize("path", OF_LOANS)
def test_page_of_a_model_is_refused_to_those_who_may_not_read_its_dag(server, path):
    assert server.get(path, "stranger").status == 403


@pytest.mark.guards("attack-path")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/mlmon/nothing/index.html", id="model"),
        pytest.param("/mlmon/nothing.html", id="page"),
        pytest.param("/mlmon/owner-nobody.html", id="owner"),
        pytest.param("/mlmon/index-9.html", id="page-of-models"),
        pytest.param("/mlmon/loans/feature-nothing.html", id="feature"),
        pytest.param("/mlmon/loans/feature-..%2f..%2fstore.html", id="dots-for-a-feature"),
        pytest.param("/mlmon/loans/2026-03-20/report.html", id="day"),
        pytest.param("/mlmon/loans/today/report.html", id="no-day"),
        pytest.param("/mlmon/loans/2026-03-07/against-2026-03-20.html", id="other-day"),
        pytest.param("/mlmon/loans/2026-03-07/against-today.html", id="no-other-day"),
        pytest.param("/mlmon/loans/2026-03-07/against-2026-03-07.html", id="same-day"),
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
        pytest.param("/mlmon/model?dag_id=../loans", id="path-for-a-model"),
    ],
)
def test_address_of_no_report_is_not_found(server, path):
    assert server.get(path, "viewer").status == 404


@pytest.mark.parametrize(
    ("run_id", "day"), [pytest.param("by_conf", str(LAST), id="conf"), ("by_interval", "2026-03-06")]
)
def test_run_leads_to_the_report_of_its_day(server, run_id, day):
    answer = server.get(f"/mlmon/run?dag_id=loans&run_id={run_id}", "viewer")

    assert answer.status == 307
    assert answer.headers["location"] == f"loans/{day}/report.html"


def test_dag_leads_to_the_page_of_its_model(server):
    answer = server.get("/mlmon/model?dag_id=loans", "viewer")

    assert (answer.status, answer.headers["location"]) == (307, "loans/index.html")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("run?dag_id=loans&run_id=too_early", "loans 2026-03-20 has no report yet", id="not-yet"),
        pytest.param(f"run?dag_id=loans&run_id={LAST}", "names no day to process", id="day-in-the-run-id-only"),
        pytest.param("run?dag_id=loans&run_id=unknown", "has no run", id="no-run"),
        pytest.param("run?dag_id=other.dag&run_id=of_other_dag", "other.dag is not the DAG of a model", id="other-dag"),
        pytest.param("model?dag_id=other.dag", "other.dag is not the DAG of a model", id="model-of-other-dag"),
    ],
)
def test_run_or_dag_without_a_report_is_told_why(server, path, text):
    answer = server.get(f"/mlmon/{path}", "viewer")

    assert answer.status == 404
    assert text in answer.text


@pytest.mark.parametrize(
    "path", ["/mlmon/", "/mlmon/inbox.html", *OF_LOANS, f"{DAY}/evidently.html", "/mlmon/none/index.html"]
)
@pytest.mark.parametrize("user", ["user", "viewer", None])
def test_every_answer_is_fenced_in(server, path, user):
    headers = server.get(path, user).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_scripts_and_airflows_origin_never_come_together(server):
    page = server.get(f"{DAY}/report.html", "user").headers["content-security-policy"]
    evidently = server.get(f"{DAY}/evidently.html", "user").headers["content-security-policy"]

    assert page.startswith("sandbox allow-same-origin allow-forms;")
    assert "script-src" not in page
    assert evidently.startswith("sandbox allow-scripts allow-downloads;")
    assert "allow-same-origin" not in evidently


@pytest.mark.parametrize(("user", "allowed"), [("user", True), ("viewer", False)])
def test_forms_are_allowed_only_where_there_are_forms(server, user, allowed):
    answer = server.get(f"{DAY}/report.html", user)
    policy = answer.headers["content-security-policy"]

    assert ("<form" in answer.text) is allowed
    assert ("allow-forms" in policy, "form-action 'self'" in policy) == (allowed, allowed)
    assert ("form-action 'none'" in answer.text) is not allowed


def test_pages_work_in_the_frame_of_airflows_ui(server, browser):
    page = opened(browser, server, "/plugin/mlmon")

    shown = followed(page, "a[href='loans/index.html'] >> nth=0")
    shown = followed(page, f"a[href='{LAST}/report.html'] >> nth=0")
    assert "Saturday 7 March 2026" in shown.inner_text("body")


def test_day_leads_to_its_comparison_with_the_day_before(server, browser):
    page = opened(browser, server, f"{DAY}/report.html")

    page.click("a[href='against-2026-03-06.html']")

    assert page.url.endswith("/against-2026-03-06.html")
    assert "against Friday 6 March 2026" in page.inner_text("h1")


def test_evidently_page_runs_its_script_without_an_origin(server, browser):
    page = opened(browser, server, f"{DAY}/evidently.html")

    assert page.title() == "ran at null"


@pytest.mark.parametrize(
    ("path", "tab", "text"),
    [
        ("/dags/loans/runs/by_conf", "Monitoring report", "Saturday 7 March 2026"),
        ("/dags/loans", "Monitoring", "loans"),
    ],
)
def test_dag_and_run_show_their_page_in_airflows_ui(server, browser, path, tab, text):
    page = opened(browser, server, path)

    page.get_by_role("link", name=tab, exact=True).click()

    assert text in framed(page).inner_text("body")


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


def opened(browser: Browser, server: ApiServer, path: str) -> Page:
    page = browser.new_page()
    base = f"{server.origin}/sub"
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

"""How the pages look to people and on screens of each kind, and that no text of the data is more than text."""

from __future__ import annotations

import re
from itertools import product

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.support.api_server import ApiServer
from tests.support.axe import grave_findings
from tests.support.monitored import FIRST, LAST

pytestmark = pytest.mark.service

PAGES = {
    "fleet": "index.html",
    "inbox": "inbox.html",
    "model": "loans/index.html",
    "feature": "loans/feature-{slug}.html",
    "day": f"loans/{LAST}/report.html",
    "compare": f"loans/{LAST}/against-{FIRST}.html",
}
_HANDLERS = """() => [...document.querySelectorAll('*')].flatMap(found => found.getAttributeNames())
    .filter(name => name.startsWith('on'))"""
_OWN_POLICY = re.compile(r"<meta http-equiv=[^>]+>")


@pytest.fixture(scope="module")
def pages(server: ApiServer) -> dict[str, str]:
    """Each page as a user who may do everything gets it."""
    model = server.get("/mlmon/loans/index.html", "user").text
    (slug, *_) = re.findall(r'href="feature-(c-[^"]+)\.html"', model)
    found = {name: server.get(f"/mlmon/{path.format(slug=slug)}", "user") for name, path in PAGES.items()}
    assert {name: answer.status for name, answer in found.items()} == dict.fromkeys(PAGES, 200)
    return {name: answer.text for name, answer in found.items()}


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 1280, "height": 900})


@pytest.mark.parametrize(("name", "scheme"), list(product(PAGES, ("light", "dark"))))
def test_nothing_serious_is_wrong_for_people_with_disabilities(pages, page, name, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_content(pages[name])
    opened_details(page)

    assert grave_findings(page) == []


def test_something_serious_would_be_found(page):
    page.set_content("<html lang=en><title>page</title><main><img src='data:,'></main>")

    assert [found.partition(":")[0] for found in grave_findings(page)] == ["image-alt"]


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone_and_paper(pages, page, name):
    page.set_viewport_size({"width": 390, "height": 844})
    page.set_content(pages[name])
    opened_details(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert grave_findings(page) == []
    page.emulate_media(media="print")
    assert [one for one in page.locator("form.act").all() if one.is_visible()] == []
    assert len(pages[name].encode()) < 500_000


@pytest.mark.parametrize("name", PAGES)
def test_no_text_of_the_data_is_more_than_text(pages, page, name):
    """Scripts may run here, as they may not in Airflow: the texts are inert by themselves."""
    page.set_content(_OWN_POLICY.sub("", pages[name]))

    assert page.evaluate("window.hacked") is None
    assert page.locator("script, img, iframe, object, embed, link").count() == 0
    assert page.evaluate(_HANDLERS) == []
    if name in {"fleet", "model", "feature", "day"}:
        assert "<script>window.hacked=1</script>" in page.inner_text("body") + page.title()


def opened_details(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach(found => { found.open = true })")


@pytest.mark.parametrize("user", ["viewer", "user", "admin"])
def test_who_logs_in_acts_in_the_frame_of_airflows_ui(server, browser, user):
    context = browser.new_context(base_url=f"{server.origin}/sub/")
    page = context.new_page()
    page.goto("auth/login")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", user)
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(r"/sub/(\?.*)?$"))

    page.goto("plugin/mlmon_inbox")
    frame = framed(page)
    assert "churn" in frame.inner_text("main")
    assert (frame.locator("form").count() > 0) is (user != "viewer")
    if user != "viewer":
        acted(frame, "churn/alerts", "Acknowledge")
        assert "churn: acknowledged" in framed(page).inner_text("[role=status]")
    context.close()


def test_every_action_is_done_by_a_click(server, browser):
    page = browser.new_page(base_url=f"{server.origin}/sub/mlmon/")
    page.context.add_cookies(
        [{"name": "_token", "value": server.tokens["user"], "url": f"{server.origin}/sub", "sameSite": "Lax"}]
    )
    page.goto(PAGES["day"])
    acted(page.main_frame, "/run", f"Run {LAST} again")
    assert f"{LAST} of loans runs again as mlmon__{LAST}" in page.inner_text("[role=status]")
    acted(page.main_frame, "/alerts", "Mute", until="2026-04-01")
    assert "loans: muted until 2026-04-01" in page.inner_text("[role=status]")
    page.goto(PAGES["model"])
    acted(page.main_frame, "/baseline", "Accept", kind="previous")
    assert "From 2026-03-08 on, loans is compared with the day before" in page.inner_text("[role=status]")
    acted(page.main_frame, "/alerts", "Resolve")
    assert "loans: resolved" in page.inner_text("[role=status]")


def acted(frame: Frame, action: str, button: str, *, until: str = "", kind: str = "") -> None:
    """Fill in the first form with an action, and click on its button."""
    form = frame.locator(f"form[action$='{action}']").first
    frame.evaluate("() => document.querySelectorAll('details').forEach(found => { found.open = true })")
    form.locator("input[name=why]").fill("looked at")
    if until:
        form.locator("input[name=until]").fill(until)
    if kind:
        form.locator(f"input[value={kind}]").check()
    with frame.page.expect_response(lambda answer: "notice=" in answer.url):
        form.get_by_role("button", name=button, exact=True).click()
    frame.page.wait_for_load_state()


def framed(page: Page) -> Frame:
    frame = page.wait_for_selector("iframe").content_frame()
    assert frame is not None
    frame.wait_for_load_state()
    return frame

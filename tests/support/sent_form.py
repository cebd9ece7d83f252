"""Forms of pages, read and sent as a browser does it, one at a time and with anything about them changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from bs4 import BeautifulSoup

from tests.support.api_server import Answer, ApiServer


@dataclass(frozen=True, kw_only=True)
class PageForm:
    """Form of a page that a user was shown."""

    server: ApiServer
    user: str
    page: str
    action: str
    fields: tuple[tuple[str, str], ...]
    session: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, *, user: str | None = None, session: str | None = None, **changed: str | None) -> Answer:
        """Send it with other values; fields that are None are left out, headers are changed by `headers`."""
        kept = [(name, value) for name, value in self.fields if name not in changed]
        fields = [*kept, *((name, value) for name, value in changed.items() if value is not None)]
        cookies = f"_token={self.server.tokens[user or self.user]}; mlmon_session={session or self.session}"
        own = {"Origin": self.server.origin, "Sec-Fetch-Site": "same-origin", "Cookie": cookies, **self.headers}
        return self.server.post(self.action, fields, {name: value for name, value in own.items() if value})


def form_of(
    server: ApiServer, user: str, page: str, action: str, *, headers: Mapping[str, str] | None = None
) -> PageForm:
    """The form of a page below /mlmon whose address ends in `action`, for a user; its reason is not filled in."""
    answer = server.get(f"/mlmon/{page}", user, cookie=True)
    assert answer.status == 200, answer.text
    found = [
        form for form in BeautifulSoup(answer.text, "html.parser").select("form") if form["action"].endswith(action)
    ]
    form = found[0]
    fields = tuple((one["name"], one["value"]) for one in form.select("input[type=hidden]"))
    cookie = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    return PageForm(
        server=server,
        user=user,
        page=page,
        action=urljoin(f"/mlmon/{page}", str(form["action"])),
        fields=fields,
        session=cookie,
        headers=headers or {},
    )


def count_forms(server: ApiServer, user: str, page: str) -> int:
    """The number of forms that a user is shown in a page."""
    return server.get(f"/mlmon/{page}", user, cookie=True).text.count("<form")

"""Forms that browsers send, and whether a page of ours that was shown to the same person has sent them.

A form is taken only with a token that a page was given for this user, session and purpose, and only from Airflow's own
origin. That cookies are not sent along from other sites is not relied on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, HTTPException, Request, Response, status

from airflow_mlmon.plugins.access import BaseUser, base_url, get_cookie_path, signing_key
from airflow_mlmon.plugins.tokens import Holder, RefusedTokenError, TokenSigner

_SESSION = "mlmon_session"
_FORM = "application/x-www-form-urlencoded"
_MOST_BYTES, _MOST_FIELDS = 256 * 1024, 2_000
_VALID, _NOTICE_VALID = timedelta(hours=4), timedelta(minutes=10)
_NOTICE = "notice:"
# addresses of pages below the root of all pages
_PAGE = re.compile(r"(?:[\w-]+/){0,2}[\w-]+\.html", re.ASCII)
_AGAIN = "Go back, reload the page and send the form again."


class Purpose(StrEnum):
    """Purpose of a form: what may be done with its token."""

    EDIT = "edit"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentForm:
    """Form as a browser sent it."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """Return the value of a field without white space around it; empty if it was not sent."""
        return self.fields.get(name, [""])[0].strip()

    def texts(self, name: str) -> list[str]:
        """Return all values of a field."""
        return list(self.fields.get(name, []))

    @property
    def page(self) -> str:
        """Return the address of the page that has the form, below the root of all pages.

        Raises:
            HTTPException: it is none of a page.
        """
        here = self.text("here")
        if not _PAGE.fullmatch(here):
            raise HTTPException(status.HTTP_400_BAD_REQUEST, "The form names no page.")
        return here


async def read_form(request: Request) -> SentForm:
    """Read the form of a request.

    Raises:
        HTTPException: it is none, too large, or not from a page of ours.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "This address takes forms alone.")
    _require_own_origin(request)
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, "The form is too large.")
    try:
        return SentForm(fields=parse_qs(content.decode(), strict_parsing=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "The form cannot be read.") from None


FormDep = Annotated[SentForm, Depends(read_form)]


class FormSession:
    """Session of a browser: the tokens of its forms, and the outcome that it is shown next."""

    def __init__(self, request: Request, user: BaseUser, now: datetime) -> None:
        self._request = request
        self._now = now
        found = request.cookies.get(_SESSION, "")
        self._is_new, self._has_given = not found, False
        self._holder = Holder(user=str(user.get_id()), session=found or secrets.token_urlsafe(24))

    def token(self, purpose: Purpose, model: str) -> str:
        """Return the token of the forms of a model in a page."""
        self._has_given = True
        return _signer().sign(f"{purpose}:{model}", self._holder, self._now, _VALID)

    def require_token(self, form: SentForm, purpose: Purpose, model: str) -> None:
        """Check the token of a form.

        Raises:
            HTTPException: it is not one of this user, session and purpose.
        """
        try:
            is_ours = not self._is_new and self._read(form.text("token")) == f"{purpose}:{model}"
        except RefusedTokenError:
            is_ours = False
        if not is_ours:
            raise HTTPException(
                status.HTTP_403_FORBIDDEN, f"The form was not given to you for this, or has expired. {_AGAIN}"
            )

    def notice(self, text: str) -> str:
        """Return a token with an outcome to show."""
        return _signer().sign(_NOTICE + text, self._holder, self._now, _NOTICE_VALID)

    @property
    def shown_notice(self) -> str:
        """Return the outcome that the request asks to show; empty if it has none of this session."""
        try:
            text = self._read(self._request.query_params.get("notice", ""))
        except RefusedTokenError:
            return ""
        return text.removeprefix(_NOTICE) if text.startswith(_NOTICE) else ""

    def remember(self, answer: Response) -> Response:
        """Have the browser send the session along with the forms that it was given."""
        if self._is_new and self._has_given:
            answer.set_cookie(
                _SESSION,
                self._holder.session,
                path=get_cookie_path(),
                httponly=True,
                secure=self._request.url.scheme == "https" or base_url().startswith("https://"),
                samesite="lax",
            )
        return answer

    def _read(self, token: str) -> str:
        return _signer().read(token, self._holder, self._now)


def now() -> datetime:
    """Return the time; a dependency, so that tests can give another."""
    return datetime.now(UTC)


NowDep = Annotated[datetime, Depends(now)]


def _require_own_origin(request: Request) -> None:
    """Refuse a request from another site, or from nowhere."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    sent = urlsplit(request.headers.get("origin") or request.headers.get("referer") or "")
    # the second is the one by which users know it, where a proxy names another host
    ours = {request.headers.get("host", "").lower(), urlsplit(base_url()).netloc.lower()} - {""}
    if site != "same-origin" or sent.scheme not in {"http", "https"} or sent.netloc.lower() not in ours:
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"The form was not sent from a page of this Airflow. {_AGAIN}")


@cache
def _signer() -> TokenSigner:
    return TokenSigner(signing_key())

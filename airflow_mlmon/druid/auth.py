"""Authentication of a client to Druid."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """User and password for the basic-security extension."""

    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """Return the value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    @property
    def secret(self) -> str:
        """Secret that must not appear in any message."""
        return self.password


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerAuth:
    """Bearer token for proxies in front of Druid."""

    token: str = field(repr=False)

    @property
    def header(self) -> str:
        """Return the value of the Authorization header."""
        return f"Bearer {self.token}"

    @property
    def secret(self) -> str:
        """Secret that must not appear in any message."""
        return self.token


Auth = BasicAuth | BearerAuth

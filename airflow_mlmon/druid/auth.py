"""How a client proves to Druid who it is."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A user and a password, as the basic-security extension asks for."""

    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    @property
    def secret(self) -> str:
        """What must appear in no message."""
        return self.password


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerAuth:
    """A token, as proxies before Druid ask for."""

    token: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self.token}"

    @property
    def secret(self) -> str:
        """What must appear in no message."""
        return self.token


Auth = BasicAuth | BearerAuth

"""A real server of Google Cloud Storage's JSON API: fake-gcs-server."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials, Signing
from google.auth.crypt import RSASigner
from google.cloud.storage import Client

from tests.support.processes import answers, await_ready, free_port, require, start, stop

ROOT = Path(__file__).parents[2]
BINARY = ROOT / ".cache" / "bin" / "fake-gcs-server"


@cache
def _signer() -> RSASigner:
    return RSASigner(rsa.generate_private_key(public_exponent=65537, key_size=2048))


class Anybody(AnonymousCredentials, Signing):
    """Credentials that the server takes from anybody, and that can sign URLs as a key file does."""

    signer = property(lambda _: _signer())
    signer_email = "anybody@example.com"

    def sign_bytes(self, message: bytes) -> bytes:
        """The signature of the bytes."""
        return _signer().sign(message)


class GcsServer:
    """fake-gcs-server in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        binary = shutil.which("fake-gcs-server") or (str(BINARY) if BINARY.exists() else None)
        require(available=binary is not None, what="fake-gcs-server (make fake-gcs-server builds it with Go)")
        self.port = free_port()
        log = self._folder / "gcs.log"
        place = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port), "-backend", "memory"]
        urls = ["-external-url", self.endpoint, "-public-host", f"127.0.0.1:{self.port}", "-log-level", "warn"]
        self._process = start([str(binary), *place, *urls], log)
        await_ready(self._process, lambda: answers(self.port), log)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def options(self, endpoint: str | None = None) -> dict[str, Any]:
        """The options of a store on this server, or on a proxy of it."""
        return {
            "project": "mlmon",
            "credentials": Anybody(),
            "client_options": {"api_endpoint": endpoint or self.endpoint},
        }

    def bucket(self, name: str) -> str:
        """A new bucket; its name."""
        Client(**self.options()).create_bucket(name)
        return name

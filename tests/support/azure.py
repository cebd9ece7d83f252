"""A real server of Azure's blob storage: Microsoft's own emulator."""

from __future__ import annotations

import base64
import hashlib
import hmac
from email.utils import formatdate
from pathlib import Path
from typing import Self

import requests

from tests.support.processes import answers, await_ready, free_port, require, start, stop

ROOT = Path(__file__).parents[2]
AZURITE = ROOT / ".cache" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
VERSION = "2023-11-03"


class AzuriteServer:
    """Azurite in memory, with one account; it checks keys and signatures."""

    account = "mlmon"
    key = base64.b64encode(b"of an account that lives for the test").decode()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        require(available=AZURITE.exists(), what="azurite (make azurite installs it with npm)")
        self.port = free_port()
        log = self._folder / "azurite.log"
        command = [str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(self.port)]
        options = [
            "--inMemoryPersistence",
            "--silent",
            "--disableTelemetry",
            "--skipApiVersionCheck",
        ]
        accounts = {"AZURITE_ACCOUNTS": f"{self.account}:{self.key}"}
        self._process = start(command + options, log, accounts)
        await_ready(self._process, lambda: answers(self.port), log)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.account}"

    def options(self, **changes: str) -> dict[str, str]:
        """The options of a store on this server."""
        return {"account_name": self.account, "account_key": self.key, "endpoint": self.endpoint} | changes

    def container(self, name: str) -> str:
        """A new container; its name."""
        now = formatdate(usegmt=True)
        asked = f"PUT{chr(10) * 12}x-ms-date:{now}\nx-ms-version:{VERSION}\n/{self.account}/{self.account}/{name}"
        signed = hmac.new(base64.b64decode(self.key), f"{asked}\nrestype:container".encode(), hashlib.sha256)
        headers = {
            "x-ms-date": now,
            "x-ms-version": VERSION,
            "Authorization": f"SharedKey {self.account}:{base64.b64encode(signed.digest()).decode()}",
        }
        made = requests.put(f"{self.endpoint}/{name}", params={"restype": "container"}, headers=headers, timeout=10)
        made.raise_for_status()
        return name

"""A private PostgreSQL on loopback: a real server for one test session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from tests.support.processes import PATIENCE_S, free_port, require


@contextmanager
def private_postgres(
    kept: Path | None = None, *, user: str = "mlmon", password: str | None = None, port: int | None = None
) -> Iterator[str]:
    """Run a server of its own and yield the URL of its maintenance database.

    Args:
        kept: folder in which its data stay; None for one that is removed.
        user: its superuser.
        password: that of the superuser; None where nobody is asked for one.
        port: where it listens; None for a free port.

    Without PostgreSQL on the machine the test is skipped, and fails where CI=true.
    """
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="mlmon-postgres-")) if kept is None else kept
    folder.mkdir(parents=True, exist_ok=True)
    account = _unprivileged(folder)
    try:
        data = folder / "data"
        if not data.exists():
            (folder / "password").write_text(password or "")
            how = ["-A", "scram-sha-256", f"--pwfile={folder / 'password'}"] if password else ["-A", "trust"]
            _run([binaries / "initdb", "-D", data, *how, "-U", user, "--no-sync", "-E", "UTF8"], account)
        port = port or free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
        # nothing of it has to outlive the session
        settings |= {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": 0}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen([binaries / "postgres", "-D", data, *options], stdout=log, stderr=log, **account)
        try:
            login = f"{user}:{password}" if password else user
            url = f"postgresql://{login}@127.0.0.1:{port}/postgres"
            _wait_until_ready(url, server, folder / "log")
            yield url
        finally:
            # at once, without a last checkpoint of what is thrown away
            server.send_signal(signal.SIGQUIT if kept is None else signal.SIGINT)
            server.wait(PATIENCE_S if kept is None else None)
    finally:
        if kept is None:
            shutil.rmtree(folder)


def fresh_database(server_url: str) -> str:
    """Create an empty database on the server and return its URL."""
    return fixed_database(server_url, f"mlmon_{uuid4().hex[:12]}")


def fixed_database(server_url: str, name: str) -> str:
    """Create the database unless it is there, and return its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(f"CREATE DATABASE {name}")
    return server_url.rpartition("/")[0] + f"/{name}"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    require(available=on_path is not None, what="PostgreSQL's server (initdb)")
    return Path(str(on_path)).resolve().parent


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": folder}


def _run(command: list[Any], user: dict[str, Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **user)
    assert done.returncode == 0, done.stderr


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return

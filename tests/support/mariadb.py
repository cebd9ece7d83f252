"""A private MariaDB on loopback: a real server for one test session."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymysql

from tests.support.processes import await_ready, free_port, require

_RELAXED = {
    "innodb-flush-log-at-trx-commit": 0,
    "innodb-doublewrite": 0,
    "innodb-flush-method": "nosync",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "16M",
    "performance-schema": 0,
}


@contextmanager
def private_mariadb() -> Iterator[str]:
    """Run a server of its own and yield the URL of it, without a database.

    Without MariaDB on the machine the test is skipped, and fails where CI=true.
    """
    install, server = shutil.which("mariadb-install-db"), shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    require(available=install is not None and Path(server).exists(), what="MariaDB's server (mariadbd)")
    # in memory where that is there: nothing of it has to outlive the session
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    folder = Path(tempfile.mkdtemp(prefix="mlmon-mariadb-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        user = _unprivileged(folder)
        options = [f"--{name}={value}" for name, value in _RELAXED.items()]
        own = ["--no-defaults", f"--datadir={folder}/data", *options]
        made = [install, *own, "--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(made, capture_output=True, text=True, check=False, **user)
        assert done.returncode == 0, done.stderr
        port, log = free_port(), folder / "log"
        listening = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder}/s", f"--pid-file={folder}/pid"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [server, *own, *listening, "--skip-log-bin", "--skip-name-resolve"],
                stdout=output,
                stderr=output,
                **user,
            )
        try:
            await_ready(process, lambda: _answers(port), log)
            yield f"mysql://root@127.0.0.1:{port}/"
        finally:
            # at once, without writing what is thrown away
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


def fresh_mariadb(server_url: str) -> str:
    """Create an empty database on the server and return its URL."""
    name = f"mlmon_{uuid4().hex[:12]}"
    with connected(server_url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    return f"{server_url}{name}"


def connected(url: str) -> pymysql.Connection[Any]:
    """Connect with PyMySQL itself, as a client beside the store."""
    port, _, database = url.rpartition(":")[2].partition("/")
    return pymysql.connect(host="127.0.0.1", port=int(port), user="root", database=database or None, autocommit=True)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start the server: it does not run as root."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("mysql") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": folder}


def _answers(port: int) -> bool:
    try:
        pymysql.connect(host="127.0.0.1", port=port, user="root").close()
    except pymysql.OperationalError:
        return False
    return True

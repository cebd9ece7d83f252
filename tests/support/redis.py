"""A private Redis on loopback: Debian's plain server, without any module."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from typing import Self

from redis import Redis

from airflow_mlmon.storage.redis import RedisCache
from tests.support.processes import answers, await_ready, free_port, require, start, stop


class RedisServer:
    """A server that a test may stop, and hold still."""

    def __enter__(self) -> Self:
        binary = shutil.which("redis-server")
        require(available=binary is not None, what="Redis (redis-server)")
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="mlmon-redis-")
        log = Path(self._folder.name, "redis.log")
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", self._folder.name]
        self._process = start([str(binary), *place, "--save", "", "--appendonly", "no"], log)
        await_ready(self._process, lambda: answers(self.port), log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        stop(self._process)
        self._folder.cleanup()

    def client(self) -> Redis:
        """A client of the server."""
        return Redis(port=self.port)

    def cache(self, timeout_s: float = 5.0) -> RedisCache:
        """A cache in the server."""
        return RedisCache(host="127.0.0.1", port=self.port, timeout_s=timeout_s)

    def kill(self) -> None:
        """End the server at once, as a crash does."""
        self._process.kill()
        self._process.wait()

    def hold(self) -> None:
        """Let the server accept connections and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

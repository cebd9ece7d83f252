"""Run a small Druid without docker: `up` starts it in the background, `down` stops it.

Ingested data stay in the folder for the next time.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from include.demo.services import ServiceError, ask_to_end, end, read_running
from include.demo.settings import DRUID_FOLDER, DRUID_PORT, DRUID_RECORD
from include.druid.cluster import DruidCluster
from include.druid.jars import NEWEST, UnavailableError

_STOP_S = 5.0
_INTERRUPTED = 130


def start_up(folder: Path, port: int) -> int:
    """Start Druid, and print its URL."""
    record = folder / DRUID_RECORD
    if read_running(record):
        print(f"Druid is already running: http://localhost:{port}")
        return 0
    _check_port(port)
    folder.mkdir(exist_ok=True)
    print(f"starting Druid {NEWEST.version}; the first start downloads its jars, which takes a minute", flush=True)
    cluster = DruidCluster(home=folder, ports={"router": port}, record=record, outlive=True)
    cluster.start()
    connection = json.dumps({"conn_type": "mlmon_druid", "host": cluster.url})
    print(f"Druid was ready after {cluster.ready_s:.0f} s: {cluster.url}")
    print(f"Airflow: export AIRFLOW_CONN_MLMON_DRUID_DEFAULT='{connection}'")
    print("         (`make demo` and `make up` find it automatically)")
    print(f"logs:    {folder / 'log'}")
    print("stop:    make druid-down")
    return 0


def shut_down(folder: Path) -> int:
    """Stop the processes that `up` started."""
    running = read_running(folder / DRUID_RECORD)
    ask_to_end(running)
    end(running, _STOP_S)
    (folder / DRUID_RECORD).unlink(missing_ok=True)
    print(f"stopped: {', '.join(service.name for service in running) or 'nothing was running'}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0 on success, 1 on failure, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m include.druid.run", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument(
        "--folder", type=Path, default=DRUID_FOLDER, help="folder of settings, data and logs; .druid by default"
    )
    parser.add_argument("--port", type=int, default=DRUID_PORT, help=f"port of the router; {DRUID_PORT} by default")
    arguments = parser.parse_args(argv)
    folder = arguments.folder.absolute()
    try:
        return shut_down(folder) if arguments.command == "down" else start_up(folder, arguments.port)
    except (ServiceError, UnavailableError) as error:
        print(f"druid {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; all processes are stopped", file=sys.stderr)
        return _INTERRUPTED


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ServiceError(f"port {port} is in use by another program") from None


if __name__ == "__main__":
    sys.exit(main())

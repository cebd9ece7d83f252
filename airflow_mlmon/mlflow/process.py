"""Process of one request to MLflow: started, bounded in time, and its answer or failure read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlmon.errors import ConfigError, MlmonError, NotFoundError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.storage.scratch import scratch_folder

_DOOR = Path(__file__).with_name("door.py")
_INSTALL = "pip install airflow-mlmon[mlflow]"
_SERVER_FAILED = 500
_ABSENT = "RESOURCE_DOES_NOT_EXIST"
_REFUSED = {401: "it knows no such user or token", 403: "it does not permit that"}
_LONGEST = 500
# of what the process has written to its standard error, for a crash without an answer
_LAST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowServerAccess:
    """Address of a tracking server, and the environment of a process that speaks to it.

    Attributes:
        connection: id of the Airflow connection, for messages.
        address: Address without secrets.
        environment: Variables of the process.
        secrets: Texts that no message may hold.
    """

    connection: str
    address: str
    environment: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def ask_mlflow(
    access: MlflowServerAccess, request: Mapping[str, Any], *, seconds: float, python: str = sys.executable
) -> dict[str, Any]:
    """Answer a request by a process of `python`, whose files go to a scratch folder.

    Raises:
        ConfigError: mlflow is not installed there, or there is no such Python.
        NotFoundError: the server has no such model, version, run or artifact.
        ServiceUnavailableError: the server does not answer, or not in time.
        ServiceRejectedError: it refuses the request, or the request cannot be answered.
    """
    with scratch_folder() as folder:
        answer = folder / "answer.json"
        # TMPDIR: what a model is unpacked to is removed too, also of a process that was killed
        environment = {**access.environment, "TMPDIR": str(folder), "PYTHONSAFEPATH": "1"}
        try:
            ended = subprocess.run(  # noqa: S603 - this module's own script, by the Python that the spec names
                [python, str(_DOOR), str(answer)],
                input=json.dumps(request),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                env=environment,
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ServiceUnavailableError(
                f"MLflow at {access.address} has not answered within {seconds:g} s."
            ) from None
        except OSError as error:
            raise ConfigError(
                f"The Python {python!r} cannot be started: {error.strerror}.", hint="correct reference.mlflow.predict"
            ) from error
        if not answer.exists():
            last = _without(access.secrets, " ".join(ended.stderr.split())[-_LAST:])
            raise ServiceRejectedError(f"The process that asks MLflow ended with {ended.returncode}: {last}")
        found: dict[str, Any] = json.loads(answer.read_text())
    if "error" in found:
        raise _error_of(access, found["error"], python)
    return found


def _error_of(access: MlflowServerAccess, error: Mapping[str, Any], python: str) -> MlmonError:
    kind, said = error["kind"], _without(access.secrets, " ".join(str(error["message"]).split()))[:_LONGEST]
    hint, status = str(error.get("hint") or ""), error.get("status")
    where = f"MLflow at {access.address}"
    if kind == "package":
        own = python == sys.executable
        return ConfigError(
            f"The package {said!r} is not installed{'' if own else f' in {python}'}, and the spec names MLflow.",
            hint=_INSTALL if own else f"{python} -m pip install mlflow pyarrow, and what the model needs",
        )
    if kind == "absent" or error.get("code") == _ABSENT:
        return NotFoundError(f"{where}: {said}", hint=hint or "correct reference.mlflow, or restore what was deleted")
    if status in _REFUSED:
        return ServiceRejectedError(
            f"{where} refuses the request ({status}): {_REFUSED[status]}.",
            hint=f"check user and password, or the token, of the Airflow connection {access.connection!r}",
            status=status,
        )
    if kind == "away" or (kind == "mlflow" and (status or 0) >= _SERVER_FAILED):
        return ServiceUnavailableError(f"{where} does not answer: {said}.")
    if kind == "failed":
        return ServiceRejectedError(f"{where}: the request failed with {said}.", hint=hint)
    return ServiceRejectedError(f"{where}: {said}", hint=hint, status=status)


def _without(secrets: tuple[str, ...], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text

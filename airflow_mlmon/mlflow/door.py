"""Answer of one request to an MLflow server; the only module that imports the optional package mlflow.

It is run by path, in a process of its own: the address and the token of the server are the environment of that process
alone, and the model is unpickled in the Python that the user names for it. So it imports nothing of airflow_mlmon. The
request is JSON on the standard input, the answer JSON in the file that the one argument names.
"""

from __future__ import annotations

import json
import posixpath
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_FILES = 10_000
_TRAINING = "training"
# what MLflow answers of an alias that is not set
_NO_ALIAS = "INVALID_PARAMETER_VALUE"
# types of a signature, for which MLflow takes no wider numbers
_NARROW = {"float": "float32", "integer": "int32", "long": "int64"}
# where the rows of a dataset are artifacts of a run
_OF_A_RUN = "runs:/"


class AnswerError(Exception):
    """Request that cannot be answered; `kind` says why, for the caller."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind, self.hint = kind, hint


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request by its name."""
    answers = {"resolve": _resolve, "download": _download, "write": _write, "predict": _predict, "ping": _ping}
    return answers[request["do"]](request)


def answer_request() -> None:
    """Answer the request, or say why not."""
    request = json.load(sys.stdin)
    try:
        found = answer(request)
    except AnswerError as error:
        found = {"error": {"kind": error.kind, "message": str(error), "hint": error.hint}}
    except ImportError as error:
        found = {"error": {"kind": "package", "message": str(error.name)}}
    except Exception as error:  # noqa: BLE001 - any failure of the library is an answer
        found = {"error": _described(error)}
    Path(sys.argv[1]).write_text(json.dumps(found))


def _described(error: BaseException) -> dict[str, Any]:
    """Describe a failure of MLflow; of any other its kind alone, because its text may hold values of rows."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - slow, and absent where this module is only imported

    response = getattr(error, "response", None)
    if _is_of_request(error) and response is not None:
        # of the artifacts, whose answers mlflow hands on
        return {
            "kind": "mlflow",
            "message": f"{response.status_code} {response.reason}",
            "status": response.status_code,
        }
    if isinstance(error, MlflowException):
        status: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
        if cause := _find_cause(error):
            return {"kind": "away", "message": cause}
        return {"kind": "mlflow", "message": error.message, "status": status, "code": error.error_code}
    if _is_of_request(error):
        return {"kind": "away", "message": type(error).__name__}
    return {"kind": "failed", "message": type(error).__name__}


def _is_of_request(error: BaseException) -> bool:
    """Return whether a failure is one of requests, by which mlflow speaks to the server."""
    return isinstance(error, OSError) and type(error).__module__.startswith("requests.")


def _find_cause(error: BaseException | None) -> str:
    """Return the kind of the failed connection that a failure was caused by; empty if it was not."""
    while error is not None:
        if _is_of_request(error) and getattr(error, "response", None) is None:
            return type(error).__name__
        error = error.__cause__ or error.__context__
    return ""


def _client() -> Any:
    from mlflow import MlflowClient  # noqa: PLC0415

    return MlflowClient()


def _ping(_: dict[str, Any]) -> dict[str, Any]:
    _client().search_experiments(max_results=1)
    return {}


def _resolve(request: dict[str, Any]) -> dict[str, Any]:
    """Answer which version each model address is, and of which run."""
    client = _client()
    return {"versions": [_version(client, **address) for address in request["addresses"]]}


def _version(client: Any, name: str, version: str | None, alias: str | None) -> dict[str, Any]:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        found = client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, version)
    except MlflowException as error:
        if alias and error.error_code == _NO_ALIAS:
            return {"version": "", "run": ""}
        raise
    return {"version": str(int(found.version)), "run": found.run_id or ""}


def _download(request: dict[str, Any]) -> dict[str, Any]:
    """Download the rows of a run or of that of a model version, or answer where its dataset lies."""
    client, run_id, path = _client(), request["run"], request["path"]
    version = _version(client, **request["address"]) if request["address"] else {"version": "", "run": run_id}
    run_id = version["run"]
    if not run_id:
        return {"files": [], "dataset": {}, "version": version}
    run = client.get_run(run_id)
    if run.info.lifecycle_stage != "active":
        raise AnswerError("absent", f"run {run_id} is deleted")
    dataset: dict[str, Any] = {}
    if path is None:
        dataset = _dataset(run, request["dataset"])
        uri = dataset["uri"]
        if not uri.startswith(_OF_A_RUN):
            return {"files": [], "dataset": dataset, "version": version}
        run_id, _, path = uri.removeprefix(_OF_A_RUN).partition("/")
    folder, limit = Path(request["folder"]), int(request["limit"])
    # a server that understates the size of a file fills no disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    files = _list(client, run_id, path.strip("/"), limit)
    for name in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        got = Path(client.download_artifacts(run_id, name, str(target.parent)))
        if got != target or not _is_below(target, folder):
            raise AnswerError("refused", f"the artifact {name!r} is not a file below its folder")
    return {"files": files, "dataset": dataset, "version": version}


def _dataset(run: Any, name: str | None) -> dict[str, Any]:
    """Find the dataset of a name, or the only one of context training."""
    found = [
        (one.dataset, {tag.value for tag in one.tags if tag.key == "mlflow.data.context"})
        for one in (run.inputs.dataset_inputs if run.inputs else ())
    ]
    wanted = [one for one, contexts in found if (one.name == name if name else _TRAINING in contexts)]
    if len(wanted) != 1:
        what = f"of the name {name!r}" if name else "of context training"
        known = ", ".join(sorted({repr(one.name) for one, _ in found})) or "none"
        raise AnswerError(
            "absent",
            f"run {run.info.run_id} has logged {len(wanted)} datasets {what} (datasets: {known})",
            "name the rows with `artifact: <path below the run's artifacts>` or `dataset: <name>`",
        )
    source = json.loads(wanted[0].source)
    uri = source.get("uri") or source.get("url") or source.get("path") or ""
    return {"name": wanted[0].name, "digest": wanted[0].digest, "type": wanted[0].source_type, "uri": str(uri)}


def _list(client: Any, run_id: str, path: str, limit: int) -> list[str]:
    """List the files of an artifact, a file or a folder, checked by name, number and size."""
    found = list(_below(client, run_id, path))
    if not found:
        beside = client.list_artifacts(run_id, posixpath.dirname(path) or None)
        found = [one for one in beside if one.path == path and not one.is_dir]
    if not found:
        there = ", ".join(sorted(one.path for one in client.list_artifacts(run_id))[:10]) or "no artifact"
        raise AnswerError("absent", f"run {run_id} has no artifact {path!r}", f"there are {there}")
    size = sum(one.file_size or 0 for one in found)
    if size > limit or len(found) > MOST_FILES:
        raise AnswerError(
            "refused",
            f"the artifact {path!r} of run {run_id} has {len(found):,} files of {size:,} bytes; at most {MOST_FILES:,} "
            f"of {limit:,} are read",
            "name a smaller table",
        )
    return [one.path for one in found]


def _below(client: Any, run_id: str, path: str) -> Iterator[Any]:
    listed = 0
    folders = [path]
    while folders:
        folder = folders.pop()
        for one in client.list_artifacts(run_id, folder):
            listed += 1
            _check_name(one.path, folder)
            if listed > MOST_FILES:
                raise AnswerError("refused", f"the artifact {path!r} has more than {MOST_FILES:,} files")
            if one.is_dir:
                folders.append(one.path)
            else:
                yield one


def _check_name(name: str, folder: str) -> None:
    """Refuse the name of an artifact that would be written elsewhere."""
    parts = name.split("/")
    is_plain = name.startswith(f"{folder}/") and not {"", ".", ".."} & set(parts)
    if not is_plain or any(sign in name for sign in "\\\0%"):
        raise AnswerError("refused", f"the artifact {name!r} has a name that leads elsewhere")


def _is_below(path: Path, folder: Path) -> bool:
    return path.is_file() and not path.is_symlink() and folder.resolve() in path.resolve().parents


def _write(request: dict[str, Any]) -> dict[str, Any]:
    """Write tags to a model version and its run, and metrics to the run."""
    from mlflow.entities import Metric, RunTag  # noqa: PLC0415

    client, run_id = _client(), request["run"]
    if address := request["address"]:
        version = _version(client, **address)
        run_id = version["run"]
        for key, value in request["tags"].items():
            client.set_model_version_tag(address["name"], version["version"], key, value)
    if run_id:
        tags = [RunTag(key, value) for key, value in request["tags"].items()]
        metrics = [Metric(one["key"], one["value"], one["timestamp"], one["step"]) for one in request["metrics"]]
        client.log_batch(run_id, metrics=metrics, tags=tags)
    return {}


def _predict(request: dict[str, Any]) -> dict[str, Any]:
    """Let the logged model answer the rows of each file, and write its answers beside them."""
    import pandas as pd  # noqa: PLC0415 - of the model's own environment
    from mlflow import pyfunc  # noqa: PLC0415

    model = pyfunc.load_model(request["model"])
    for source, target in request["files"]:
        rows = _as_expected(pd.read_parquet(source), model.metadata.get_input_schema(), request["features"])
        answers = _as_columns(model.predict(rows), request["output"], len(rows))
        answers = {name: values for name, values in answers.items() if name in request["outputs"]}
        if not answers:
            raise AnswerError(
                "refused",
                f"the answer of {request['model']} has none of the output columns {', '.join(request['outputs'])}",
                "name the column that it is with `reference.mlflow.output`",
            )
        pd.DataFrame(answers).to_parquet(target, index=False)
    return {}


def _as_expected(rows: Any, schema: Any, features: list[str]) -> Any:
    """Return the rows as the signature of a model wants them; without one the features alone."""
    if schema is None or not schema.has_input_names():
        return rows[[name for name in features if name in rows.columns]]
    for column in schema.inputs:
        kind = _NARROW.get(getattr(getattr(column, "type", None), "name", ""))
        # a value that is missing or would lose something stays, and the model refuses it
        if kind and column.name in rows.columns and rows[column.name].dtype != kind:
            values = rows[column.name]
            if values.dtype.kind in "if" and not values.isna().any() and (kind == "float32" or (values % 1 == 0).all()):
                rows[column.name] = values.astype(kind)
    return rows


def _as_columns(answers: Any, output: str | None, rows: int) -> dict[str, Any]:
    """Return the answers of a model by column: as they are named, or as the one output."""
    import numpy as np  # noqa: PLC0415 - of the model's own environment

    if len(answers) != rows:
        raise AnswerError("refused", f"the model answers {rows:,} rows with {len(answers):,} values")
    if hasattr(answers, "columns"):
        named = {str(name): answers[name].to_numpy() for name in answers.columns}
        if output is None or output in named or len(named) > 2:  # noqa: PLR2004 - probabilities of two classes
            return named
        answers = np.column_stack(list(named.values()))
    values = np.asarray(answers)
    if output is None:
        raise AnswerError("refused", "the model gives no name to its answer", "name it with `reference.mlflow.output`")
    return {output: values if values.ndim == 1 else values[:, -1]}


if __name__ == "__main__":
    answer_request()

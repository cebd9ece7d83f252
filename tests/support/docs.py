"""What is made of the docs, tables and links between pages: `python -m tests.support.docs` writes it anew."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, get_args

from pydantic import BaseModel

from airflow_mlmon.capture.capture import Capture
from airflow_mlmon.capture.prometheus import measure_captures
from airflow_mlmon.capture.queue import CaptureLimits
from airflow_mlmon.cli.main import OLD_COMMANDS, main
from airflow_mlmon.operators import day, druid, shards, steps
from airflow_mlmon.operators.base import PartitionOperator
from airflow_mlmon.reports.regulation import AS_OF, DUTIES, FURTHER_FILES, NOTICE, RECORDS, SOURCES, STANDINGS
from airflow_mlmon.settings import OPTIONS
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.renamed import _KEYS
from airflow_mlmon.spec.renamed import METRICS as RENAMED_METRICS
from airflow_mlmon.tasks.registry import METRICS, TASKS
from tests.guards.catalogue import ATTACKS, FAULTS, Guard
from tests.guards.marked import find_marked
from tests.support.commands import declared
from tests.support.comparison import make_rows, write_parquet

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "airflow_mlmon"
README = CHECKOUT / "README.md"
FOLDER = CHECKOUT / "include" / "docs"
MADE = r"(<!-- (\w+) -->\n).*?(<!-- /\2 -->)"
# in the order in which they are read
PAGES = (
    "serving",
    "archive",
    "kinds_of_model",
    "evaluation",
    "alerts",
    "models_and_baselines",
    "comparison",
    "druid",
    "operating",
    "maintenance",
    "deploying",
    "runbooks",
    "observability",
    "regulation",
    "spec",
    "metrics",
    "settings",
    "operators",
    "performance",
    "guards",
    "development",
    "changelog",
)
FILES = (README, *(FOLDER / f"{name}.md" for name in PAGES))


def fill_page(path: Path) -> str:
    """Return the README or a page with its first line, which leads to the other pages, and its tables made anew."""
    text = path.read_text()
    if path != README:
        _, rest = text.split("\n", 1)
        text = f"{_links(path.stem)}\n{rest}"
    return re.sub(MADE, lambda match: f"{match[1]}{TABLES[match[2]]()}{match[3]}", text, flags=re.DOTALL)


def _links(name: str) -> str:
    titles = {page: page.replace("_", " ").capitalize() for page in PAGES}
    others = (f"**{title}**" if page == name else f"[{title}]({page}.md)" for page, title in titles.items())
    return " · ".join(["[airflow_mlmon](../../README.md)", *others])


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def _fields(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner, suffix = _inner(field.annotation)
        if field.description:
            default = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
            yield f"`{key}`", default, field.description
        if inner is not None:
            yield from _fields(inner, f"{key}{suffix}.")


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    suffix = {dict: ".<name>", tuple: "[]"}.get(getattr(annotation, "__origin__", None), "")
    for part in get_args(annotation):
        found, deeper = _inner(part)
        if found is not None:
            return found, suffix + deeper
    return None, ""


def _default(value: Any) -> str:
    if value is None or value in ((), {}, ""):
        return ""
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`" if all(isinstance(one, str) for one in value) else "`- log: true`"
    if isinstance(value, Baseline):
        return f"`{value.kind}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _spec() -> str:
    return _table(("key", "default", "meaning"), _fields(ModelSpec))


def _metrics() -> str:
    rows = (
        (f"`{name}`", _kinds_with(name), "yes" if metric.by_column else "", metric.description)
        for name, metric in METRICS.items()
    )
    return _table(("metric", "of", "by column", "meaning"), rows)


def _kinds_with(metric: str) -> str:
    """Name the kinds of model that have a metric of their own; "any" for one that does not depend on the kind."""
    return ", ".join(name for name, task in TASKS.items() if metric in task.metrics) or "any"


def _tasks() -> str:
    rows = (
        (
            f"`{name}`",
            " ".join(f"`{role}`" for role in task.types),
            " ".join(f"`{metric}`" for metric in task.evaluated if metric in task.metrics),
        )
        for name, task in TASKS.items()
    )
    return _table(("task", "roles of its columns", "evaluated by default"), rows)


def _settings() -> str:
    return _table(("option of `[mlmon]`", "meaning"), ((f"`{name}`", o["description"]) for name, o in OPTIONS.items()))


def _operators() -> str:
    classes = [
        kind
        for name, kind in (vars(steps) | vars(day) | vars(shards) | vars(druid)).items()
        if isinstance(kind, type)
        and issubclass(kind, PartitionOperator)
        and name.endswith("Operator")
        and name[0] != "_"
    ]
    rows = (
        (f"`{kind.__name__}`", (kind.__doc__ or "").splitlines()[0])
        for kind in classes
        if kind is not PartitionOperator
    )
    return _table(("operator", "what it does"), rows)


def _renamed() -> str:
    keys = {f"`{section}.{old}`": f"`{section}.{new}`" for (section, old), new in _KEYS.items()}
    commands = {f"`mlmon {old}`": f"`mlmon {new}`" for old, new in OLD_COMMANDS.items()}
    metrics = {f"`{old}`": f"`{new}`" for old, new in RENAMED_METRICS.items()}
    return _table(("before", "now"), iter((keys | commands | metrics).items()))


def _commands() -> str:
    rows = ((f"`mlmon {name}`", f"{command.short_help}") for name, command in declared())
    return _table(("command", "what it does"), rows)


def _rooms() -> str:
    """Return every room in the order of the layers, the lowest first, with the first line of what it says of itself."""
    return _table(("room", "what is in it"), _rooms_below(PACKAGE))


def _rooms_below(folder: Path) -> Iterator[tuple[str, str]]:
    layers = _layers().get(".".join(folder.relative_to(CHECKOUT).parts))
    if layers is None:
        modules = sorted(path.parent for path in folder.glob("*/__init__.py"))
    else:
        modules = [folder / name.strip() for layer in reversed(layers) for name in layer.split("|")]
    for module in modules:
        file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
        name = f"{module.relative_to(PACKAGE).as_posix()}/" if module.is_dir() else file.relative_to(PACKAGE).as_posix()
        yield f"`{name}`", (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
        if module.is_dir():
            yield from _rooms_below(module)


@cache
def _layers() -> dict[str, list[str]]:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layered = [contract for contract in contracts if contract["type"] == "layers"]
    return {container: contract["layers"] for contract in layered for container in contract["containers"]}


def _faults() -> str:
    return _guards(FAULTS)


def _attacks() -> str:
    return _guards(ATTACKS)


def _guards(guards: dict[str, Guard]) -> str:
    tests = {marked.key: marked for marked in find_marked()}
    rows = (
        (f"`{key}`", guard.given, guard.expected, f"`{tests[key].file}`: `{tests[key].shown}`")
        for key, guard in guards.items()
    )
    return _table(("key", "what goes in", "what comes out", "proved by"), rows)


def _records() -> str:
    rows = ((name, f"`{record.file}`", record.holds) for name, record in RECORDS.items())
    further = (("", f"`{file}`", what) for file, what in FURTHER_FILES.items())
    return _table(("record", "file", "what is in it"), chain(rows, further))


def _duties() -> str:
    rows = ((one.text, one.where, one.asks, ", ".join(one.records) or "none", one.lacks) for one in DUTIES)
    return _table(("text", "where", "asks for", "records that serve it", "what no record serves"), rows)


def _standings() -> str:
    known = _table(("text", "what is known of it"), ((one.text, one.known) for one in STANDINGS))
    return f"**As of {AS_OF}. {NOTICE}** {SOURCES}\n\n{known}"


def _comparison() -> str:
    with TemporaryDirectory() as folder:
        reference = write_parquet(Path(folder, "reference.parquet"), make_rows(5_000, 1))
        current = write_parquet(Path(folder, "current.parquet"), make_rows(1_200, 2, amount=0.5, web=0.3))
        with redirect_stdout(io.StringIO()) as printed:
            main(["compare", reference, current])
    lines = [line.rstrip() for line in printed.getvalue().splitlines()]
    return "```text\n" + "".join(f"{line}\n" for line in lines if line) + "```\n"


def _capture() -> str:
    rows = (row for kind in (Capture, CaptureLimits) for row in _arguments(kind))
    return _table(("argument", "default", "meaning"), rows)


def _capture_log() -> str:
    return _table(("argument", "default", "meaning"), _arguments(Capture.log))


def _arguments(kind: Callable[..., Any]) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of a class or a function, with what its docstring says of them."""
    words = re.split(r"^(?:Args|Attributes):$", inspect.getdoc(kind) or "", flags=re.MULTILINE)[1]
    section = re.match(r"(?:\n    .*)*", words)
    described = dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section[0] if section else "", flags=re.MULTILINE))
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in described:
            given = parameter.default
            default = "required" if given is parameter.empty else "" if given is None else f"`{given}`"
            yield f"`{name}`", default, re.sub(r"\s+", " ", described[name])


def _capture_metrics() -> str:
    columns = {"id": {"type": "string", "role": "id"}, "at": {"type": "timestamp", "role": "time"}}
    capture = Capture({"model": "fraud", "predictions": {"path": "fraud/dt={date}/", "columns": columns}})
    counted = capture.counters | {"last_publish": 1.0} | {key: {"queue_full": 1} for key in _BY_REASON}
    rows = (
        (
            f"`{metric.name}{'_total' if metric.kind == 'counter' else ''}`",
            " ".join(f"`{label}`" for label in metric.samples[0][0]),
            metric.documentation,
        )
        for metric in measure_captures([SimpleNamespace(schema=capture.schema, counters=counted)])
    )
    return _table(("metric", "labels", "meaning"), rows)


# counters of a capture that are kept by reason
_BY_REASON = ("dropped", "refused", "skipped", "publish_failures")

TABLES = {
    "capture": _capture,
    "capture_log": _capture_log,
    "capture_metrics": _capture_metrics,
    "duties": _duties,
    "records": _records,
    "standings": _standings,
    "comparison": _comparison,
    "faults": _faults,
    "attacks": _attacks,
    "commands": _commands,
    "rooms": _rooms,
    "renamed": _renamed,
    "operators": _operators,
    "spec": _spec,
    "tasks": _tasks,
    "metrics": _metrics,
    "settings": _settings,
}


if __name__ == "__main__":
    for file in FILES:
        file.write_text(fill_page(file))

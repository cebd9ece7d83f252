"""Loading of spec files, with the line of each mistake.

A mistake reads `file:line: key: message; did you mean …?`, one line each.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.spec.alerts import SharedChannel, SharedChannels
from airflow_mlmon.spec.choices import TASK_ROLES, ColumnType, Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.expansion import expand_columns
from airflow_mlmon.spec.model import TASK_KEYS, ModelSpec
from airflow_mlmon.spec.renamed import rename_old_spellings
from airflow_mlmon.spec.section import UnknownNameError, Vocabulary, nearest
from airflow_mlmon.tasks.registry import DEFAULT, TASKS, infer_tasks, task_of
from airflow_mlmon.tasks.task import Task

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Key = tuple[str | int, ...]
_Kind = TypeVar("_Kind", bound=BaseModel)
_NO_SPEC = "a spec must be a mapping that begins with `model: <name>`."
_NO_CHANNELS = "a channels file must be a mapping with the single key `channels`."
# keys that specs of earlier releases may still have
_WITHOUT_EFFECT: tuple[_Key, ...] = (("drift", "quantile"),)
log = logging.getLogger(__name__)


def load_spec(path: str | Path) -> ModelSpec:
    """Load the spec in the file at `path`.

    Raises:
        ConfigError: the file cannot be read or is invalid; each mistake is on a line of its own.
    """
    path = Path(path)
    spec = _with_absolute_paths(parse_spec(_read(path), str(path)), path.absolute().parent)
    spec._file = str(path)  # noqa: SLF001 - not a key of the spec
    return spec


def check_day_zone(spec: ModelSpec, stored: str | None) -> None:
    """Check that the days of a spec are days of the zone of those stored before, None if there are none.

    Raises:
        ConfigError: the zone was changed; the same events would be rows of two days, or of none.
    """
    if stored is not None and stored != spec.day_zone:
        file = spec.file
        where = f"{locate(file, 'day_zone')}: " if file else ""
        raise ConfigError(
            f"{where}The stored days of {spec.model} are days of {stored}, not of {spec.day_zone}.",
            hint=f"write `day_zone: {stored}`, or give the model another name to begin anew",
        )


def locate(path: str | Path, *key: str) -> str:
    """Return where a key of the spec in the file at `path` is, as a mistake begins: `file:line: key`."""
    _, lines = _parse(_read(Path(path)), str(path), _NO_SPEC)
    return f"{path}:{_line(key, lines)}: {_dotted(key)}"


def load_channels(path: str | Path) -> tuple[SharedChannel, ...]:
    """Load the channels that the file at `path` declares for several models.

    Raises:
        ConfigError: the file cannot be read or is invalid; each mistake is on a line of its own.
    """
    data, lines = _parse(_read(Path(path)), str(path), _NO_CHANNELS)
    return _validate(data, lines, str(path), SharedChannels).channels


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the file: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}).") from error


def _with_absolute_paths(spec: ModelSpec, folder: Path) -> ModelSpec:
    """Make the spec's local paths absolute; they are relative to the folder of the spec."""
    sections = {"predictions": spec.predictions, "labels": spec.labels, "reference": spec.reference}
    return spec.model_copy(
        update={
            name: section.model_copy(update={"path": _absolute(section.path, folder)})
            for name, section in sections.items()
            if section is not None and section.path is not None
        }
    )


def _absolute(path: str | tuple[str, ...], folder: Path) -> str | tuple[str, ...]:
    if isinstance(path, tuple):
        return tuple(str(_absolute(one, folder)) for one in path)
    return path if "://" in path else str(folder / path)


def load_specs(folder: str | Path) -> dict[str, ModelSpec]:
    """Load every spec (`*.yaml`) of a folder, keyed by the name of its model."""
    specs: dict[str, ModelSpec] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        spec = load_spec(path)
        if spec.model in specs:
            raise ConfigError(f"{path}: model: {spec.model!r} is already declared in another file of the folder.")
        specs[spec.model] = spec
    return specs


def parse_spec(text: str, name: str) -> ModelSpec:
    """Parse a spec from `text`; `name` stands for the file in messages."""
    data, lines = _parse(text, name, _NO_SPEC)
    lines |= {key: lines[source] for key, source in expand_columns(data).items()}
    for key, new in rename_old_spellings(data):
        old = f"{name}:{_line(key, lines)}: {_dotted(key)}"
        log.warning("%s: is an old spelling, which the next release refuses; write %s", old, new)
    asked = data.get("task")
    if asked is None:
        types, is_labelled = _declared_types(data), _is_labelled(data)
        tasks = infer_tasks(types, TASK_KEYS & data.keys(), is_labelled=is_labelled)
        # a key of another kind of model is the mistake then, not every column
        tasks = tasks or infer_tasks(types, is_labelled=is_labelled)
        mistakes = [f"{name}:1: task: {_ambiguous(tasks)}"] if len(tasks) > 1 else []
        inferred = tasks[0] if tasks else DEFAULT
        spec = _validate(
            {**data, "task": inferred.name}, lines, name, ModelSpec, vocabulary=inferred, mistakes=mistakes
        )
        return _with_its_task(spec, lines, name)
    # the valid keys depend on the task: for an unknown one the rest is not checked
    task = TASKS.get(asked) if isinstance(asked, str) else None
    mistakes = [] if task else [f"{name}:{_line(('task',), lines)}: task: {_unknown_task(asked)}"]
    return _with_its_task(_validate(data, lines, name, ModelSpec, vocabulary=task, mistakes=mistakes), lines, name)


def _with_its_task(spec: ModelSpec, lines: dict[_Key, int], name: str) -> ModelSpec:
    """Return the spec if it is one of its task."""
    found = [f"{name}:{_line(key, lines)}: {_dotted(key)}: {what}" for key, what in task_of(spec).find_mistakes(spec)]
    if found:
        raise ConfigError("\n".join(found), file=name)
    return spec


def _ambiguous(tasks: Sequence[Task]) -> str:
    return f"is missing: the outputs may be those of {' or '.join(task.name for task in tasks)}"


def _is_labelled(data: Mapping[str, Any]) -> bool:
    """Say whether there are labels, or outputs that may get some, however wrong their declarations are."""
    reference, columns = data.get("reference"), _columns(data)
    roles = {column.get("role") for column in columns.values() if isinstance(column, dict)}
    return bool(data.get("labels") or roles & TASK_ROLES or (isinstance(reference, dict) and reference.get("label")))


def _columns(data: Mapping[str, Any]) -> Mapping[str, Any]:
    predictions = data.get("predictions")
    columns = predictions.get("columns") if isinstance(predictions, dict) else None
    return columns if isinstance(columns, dict) else {}


def _declared_types(data: Mapping[str, Any]) -> dict[Role, ColumnType]:
    """Return the types of the model's columns by role."""
    types = {}
    for content in _columns(data).values():
        # a mistake here is one of the column, and is reported with the others
        with suppress(ValidationError):
            column = Column.model_validate(content)
            types[column.role] = column.type
    return types


def _unknown_task(asked: object) -> str:
    return f"{asked!r} is unknown{nearest(str(asked), TASKS)}"


def _parse(text: str, name: str, otherwise: str) -> tuple[dict[str, Any], dict[_Key, int]]:
    """Parse `text` as a mapping, with the lines of its keys; `otherwise` is the message if it is not one."""
    try:
        return _parse_nodes(text, name, otherwise)
    except RecursionError:
        raise ConfigError(f"{name}:1: is nested too deeply, or contains itself by an alias.") from None


def _parse_nodes(text: str, name: str, otherwise: str) -> tuple[dict[str, Any], dict[_Key, int]]:
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_mistake(error, name)) from error
    if node is None or not isinstance(data, dict):
        raise ConfigError(f"{name}:1: {otherwise}")
    if repeats := [f"{name}:{line}: {_dotted(key)}: the key is given twice" for key, line in _repeats(node, ())]:
        raise ConfigError("\n".join(repeats), file=name)
    return data, dict(_lines(node, ()))


def _validate(
    data: Mapping[str, Any],
    lines: dict[_Key, int],
    name: str,
    kind: type[_Kind],
    *,
    vocabulary: Vocabulary | None = None,
    mistakes: Sequence[str] = (),
) -> _Kind:
    """Validate a section of a kind; known mistakes are reported with the others."""
    found = list(mistakes)
    try:
        section = kind.model_validate(data, context=vocabulary)
    except ValidationError as error:
        found += [_mistake(each, lines, name, kind) for each in error.errors()]
    if found:
        raise ConfigError("\n".join(found), file=name)
    for key in _WITHOUT_EFFECT:
        if key in lines:
            log.warning("%s:%d: %s: no longer has an effect; remove it", name, lines[key], _dotted(key))
    return section


def _yaml_mistake(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    return f"{name}:{line}: not valid YAML: {getattr(error, 'problem', None) or error}"


def _lines(node: yaml.Node, key: _Key) -> Iterator[tuple[_Key, int]]:
    yield key, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _lines(value, (*key, name.value))
            yield (*key, name.value), name.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _lines(value, (*key, position))


def _repeats(node: yaml.Node, key: _Key) -> Iterator[tuple[_Key, int]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for name, value in node.value:
            if name.value in seen:
                yield (*key, name.value), name.start_mark.line + 1
            seen.add(name.value)
            yield from _repeats(value, (*key, name.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _repeats(value, (*key, position))


def _mistake(found: Any, lines: dict[_Key, int], name: str, kind: type[BaseModel]) -> str:
    key: _Key = tuple(found["loc"])
    cause = (found.get("ctx") or {}).get("error")
    if isinstance(cause, UnknownNameError):
        key = (*key, *_parts(cause.key))
        what = f"{cause.name!r} is unknown{nearest(cause.name, cause.valid)}"
    elif cause is not None:
        head, _, rest = str(cause).partition(": ")
        parts = _parts(head)
        key, what = ((*key, *parts), rest) if (*key, *parts) in lines else (key, str(cause))
    elif found["type"] == "extra_forbidden":
        what = f"unknown key{nearest(str(key[-1]), _fields_at(key[:-1], kind))}"
    elif found["type"] == "missing":
        what = "is missing"
    elif found["type"] == "enum":
        valid = (found["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        what = f"{found['input']!r} is not valid{nearest(str(found['input']), valid)}"
    else:
        what = f"{found['msg'][0].lower()}{found['msg'][1:]}, not {found['input']!r}"[:300]
    return f"{name}:{_line(key, lines)}: {_dotted(key) or 'spec'}: {what}"


def _parts(dotted: str) -> _Key:
    return tuple(int(part) if part.isdigit() else part for part in dotted.split("."))


def _line(key: _Key, lines: dict[_Key, int]) -> int:
    while key not in lines:
        key = key[:-1]
    return lines[key]


def _dotted(key: _Key) -> str:
    return ".".join(str(part) for part in key)


def _fields_at(key: _Key, kind: type[BaseModel]) -> list[str]:
    """List the fields of the section at `key`."""
    section: type[BaseModel] | None = kind
    for part in key:
        # an index or a mapping's key stays in the section that the list or mapping holds
        if section is not None and part in section.model_fields:
            section = _section_in(section.model_fields[str(part)].annotation)
    return [field.alias or name for name, field in section.model_fields.items()] if section is not None else []


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """Find the section class inside an annotation such as `dict[str, Column]` or `Labels | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)

"""Loading of spec files, with the line of each mistake.

A mistake reads `file:line: key: message; did you mean …?`, one line each.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from airflow_mlmon.documents import KeyPath, dotted, line_of, parse_mapping, read_text
from airflow_mlmon.errors import ConfigError, describe_unexpected
from airflow_mlmon.spec.alerts import SharedChannel, SharedChannels
from airflow_mlmon.spec.choices import TASK_ROLES, ColumnType, Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.expansion import expand_columns
from airflow_mlmon.spec.model import TASK_KEYS, ModelSpec
from airflow_mlmon.spec.renamed import rename_old_spellings
from airflow_mlmon.spec.section import UnknownNameError, Vocabulary, nearest
from airflow_mlmon.tasks.registry import DEFAULT, TASKS, infer_tasks, task_of
from airflow_mlmon.tasks.task import Task

_Kind = TypeVar("_Kind", bound=BaseModel)
_ENDINGS = frozenset({".yaml", ".yml"})
# the name of a model in a file that is not valid
_DECLARED = re.compile(r"""^model: *["']?([a-z][a-z0-9_]{0,62})["']? *(?:#.*)?\r?$""", re.MULTILINE)
_NO_SPEC = "a spec must be a mapping that begins with `model: <name>`."
_NO_CHANNELS = "a channels file must be a mapping with the single key `channels`."
# keys that specs of earlier releases may still have
_WITHOUT_EFFECT: tuple[KeyPath, ...] = (("drift", "quantile"),)
log = logging.getLogger(__name__)


def load_spec(path: str | Path) -> ModelSpec:
    """Load the spec in the file at `path`.

    Raises:
        ConfigError: the file cannot be read or is invalid; each mistake is on a line of its own.
    """
    path = Path(path)
    spec = _with_absolute_paths(parse_spec(read_text(path), str(path)), path.absolute().parent)
    spec._file = str(path)  # noqa: SLF001 - not a key of the spec
    return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSpec:
    """File of a folder of specs: a model, or why it is none.

    Attributes:
        model: Name of the model. Of a file that cannot be loaded it is the one that its key `model` says, if no other
            spec has it, else one made of the file's name.
        path: The file.
        spec: The spec; None if it cannot be loaded.
        error: Why it cannot be loaded, a mistake a line; empty if it can.
    """

    model: str
    path: Path
    spec: ModelSpec | None = None
    error: str = ""


def list_specs(folder: str | Path) -> list[ListedSpec]:
    """Load every spec (`*.yaml`, `*.yml`) of a folder and of those below it, by path; hidden ones are passed over.

    Of several files with the same `model` the first one, by path, is that model, and each other one an error that
    names both.

    Raises:
        ConfigError: there is no such folder. A spec that cannot be loaded is an entry of the list.
    """
    if not Path(folder).is_dir():
        raise ConfigError(f"{folder}: there is no such folder of specs.")
    return load_specs([folder])


def load_specs(places: Iterable[str | Path]) -> list[ListedSpec]:
    """Load the specs of files and folders, in order and each file once, as `list_specs` those of one folder."""
    roots: dict[Path, Path] = {}
    files: set[Path] = set()
    for place in map(Path, places):
        for path in _spec_files(place) if place.is_dir() else [place]:
            if path.resolve() not in files:
                files.add(path.resolve())
                roots[path] = place if place.is_dir() else place.parent
    loaded = [_load_listed(path) for path in roots]
    taken: dict[str, Path] = {}
    for path, spec, _ in loaded:
        if spec is not None:
            taken.setdefault(spec.model, path)
    found = []
    for path, spec, error in loaded:
        if spec is not None and taken[spec.model] == path:
            found.append(ListedSpec(model=spec.model, path=path, spec=spec))
            continue
        name = _free_name(path, roots[path], taken)
        taken[name] = path
        found.append(ListedSpec(model=name, path=path, error=error or _explain_twin(path, spec, taken)))
    return found


def _spec_files(folder: Path) -> list[Path]:
    """List the files of specs below a folder; a mounted ConfigMap has each file again below a hidden folder."""
    return sorted(
        path
        for path in folder.rglob("*.y*ml")
        if path.suffix in _ENDINGS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def _load_listed(path: Path) -> tuple[Path, ModelSpec | None, str]:
    try:
        return path, load_spec(path), ""
    except ConfigError as error:
        return path, None, str(error)
    except Exception as error:
        log.exception("%s cannot be loaded", path)
        return path, None, f"{path}: {describe_unexpected(error)}"


def _explain_twin(path: Path, spec: ModelSpec | None, taken: Mapping[str, Path]) -> str:
    model = spec.model if spec else ""
    return f"{locate(path, 'model')}: {model!r} is already the model of {taken[model]}; give one of them another name"


def _free_name(path: Path, folder: Path, taken: Container[str]) -> str:
    """Find a name for the model of a file that cannot be loaded."""
    with suppress(ConfigError):
        declared = _DECLARED.search(read_text(path))
        if declared and declared[1] not in taken:
            return declared[1]
    below = path.relative_to(folder).with_suffix("")
    names = [_as_name(path.stem), _as_name("_".join(below.parts))]
    names += [f"{names[-1][:58]}_{number}" for number in range(2, 9_999)]
    return next(name for name in names if name not in taken)


def _as_name(text: str) -> str:
    """Make a name of a model from that of a file.

    >>> _as_name("Fraud Model-v2"), _as_name("2026")
    ('fraud_model_v2', 'model_2026')
    """
    name = re.sub(r"[^a-z0-9_]", "_", text.lower())
    return (name if name[:1].isalpha() else f"model_{name}")[:63]


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
    _, lines = parse_mapping(read_text(Path(path)), str(path), _NO_SPEC)
    return f"{path}:{line_of(key, lines)}: {dotted(key)}"


def load_channels(path: str | Path) -> tuple[SharedChannel, ...]:
    """Load the channels that the file at `path` declares for several models.

    Raises:
        ConfigError: the file cannot be read or is invalid; each mistake is on a line of its own.
    """
    data, lines = parse_mapping(read_text(Path(path)), str(path), _NO_CHANNELS)
    return _validate(data, lines, str(path), SharedChannels).channels


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


def parse_spec(text: str, name: str) -> ModelSpec:
    """Parse a spec from `text`; `name` stands for the file in messages."""
    data, lines = parse_mapping(text, name, _NO_SPEC)
    lines |= {key: lines[source] for key, source in expand_columns(data).items()}
    for key, new in rename_old_spellings(data):
        old = f"{name}:{line_of(key, lines)}: {dotted(key)}"
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
    mistakes = [] if task else [f"{name}:{line_of(('task',), lines)}: task: {_unknown_task(asked)}"]
    return _with_its_task(_validate(data, lines, name, ModelSpec, vocabulary=task, mistakes=mistakes), lines, name)


def _with_its_task(spec: ModelSpec, lines: dict[KeyPath, int], name: str) -> ModelSpec:
    """Return the spec if it is one of its task."""
    found = [f"{name}:{line_of(key, lines)}: {dotted(key)}: {what}" for key, what in task_of(spec).find_mistakes(spec)]
    if found:
        raise ConfigError("\n".join(found), file=name)
    return spec


def _ambiguous(tasks: Sequence[Task]) -> str:
    return f"is missing: the outputs may be those of {' or '.join(task.name for task in tasks)}"


def _is_labelled(data: Mapping[str, Any]) -> bool:
    """Say whether there are labels, or outputs that may get some, however wrong their declarations are."""
    reference, columns = data.get("reference"), _columns(data)
    roles = {str(column.get("role")) for column in columns.values() if isinstance(column, dict)}
    return bool(data.get("labels") or roles & TASK_ROLES or (isinstance(reference, dict) and reference.get("label")))


def _columns(data: Mapping[str, Any]) -> Mapping[str, Any]:
    predictions = data.get("predictions")
    columns = predictions.get("columns") if isinstance(predictions, dict) else None
    return columns if isinstance(columns, dict) else {}


def _declared_types(data: Mapping[str, Any]) -> dict[Role, ColumnType]:
    """Return the types of the columns whose roles are those of some kinds of model, by role."""
    types = {}
    for content in _columns(data).values():
        if not isinstance(content, dict) or str(content.get("role")) not in TASK_ROLES:
            continue
        # a mistake here is one of the column, and is reported with the others
        with suppress(ValidationError):
            column = Column.model_validate(content)
            types[column.role] = column.type
    return types


def _unknown_task(asked: object) -> str:
    return f"{asked!r} is unknown{nearest(str(asked), TASKS)}"


def _validate(
    data: Mapping[str, Any],
    lines: dict[KeyPath, int],
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
            log.warning("%s:%d: %s: no longer has an effect; remove it", name, lines[key], dotted(key))
    return section


def _mistake(found: Any, lines: dict[KeyPath, int], name: str, kind: type[BaseModel]) -> str:
    key: KeyPath = tuple(found["loc"])
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
    return f"{name}:{line_of(key, lines)}: {dotted(key) or 'spec'}: {what}"


def _parts(dotted: str) -> KeyPath:
    return tuple(int(part) if part.isdigit() else part for part in dotted.split("."))


def _fields_at(key: KeyPath, kind: type[BaseModel]) -> list[str]:
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

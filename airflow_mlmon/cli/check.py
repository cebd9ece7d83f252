"""`mlmon check`: validate specs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from click.exceptions import Exit

from airflow_mlmon.cli.call import BAD_CALL, Call
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.errors import ConfigError, MlmonError, NotFoundError, ServiceError, describe_unexpected
from airflow_mlmon.loading import ListedSpec, check_day_zone, load_specs, locate
from airflow_mlmon.spec import ModelSpec

if TYPE_CHECKING:
    from datetime import date

    from airflow_mlmon.cli.inferred import ChecksFound
    from airflow_mlmon.pipeline.inspection import Inspection
    from airflow_mlmon.settings import Settings


def check(call: Call, *, paths: Sequence[str], data: bool, day: date | None) -> bool:
    """Check specs, and with `data` a day of each; return True if that day can be used.

    Raises:
        Exit: a spec is wrong.
        ConfigError: a day is given and no data is asked for.
    """
    if day and not data:
        raise ConfigError("--partition is of use only with --data.", hint="add --data")
    good: list[bool] = []

    def inspect(spec: ModelSpec) -> Inspection:
        from airflow_mlmon.cli.findings import inspect_spec  # noqa: PLC0415 - heavy

        good.append(False)
        found = inspect_spec(spec, call.settings, day, call.now.date())
        good[-1] = found.is_good
        return found

    if not check_specs(paths, as_json=call.as_json, settings=call.settings, inspect=inspect if data else None):
        raise Exit(BAD_CALL)
    return all(good)


def check_specs(
    paths: Sequence[str],
    *,
    as_json: bool,
    settings: Settings | None = None,
    inspect: Callable[[ModelSpec], Inspection] | None = None,
) -> bool:
    """Print the mistakes in each spec, beside the days in a store too; return True if there are none.

    The paths are of files, and of folders with all specs below them. Of a spec without mistakes its checks are printed
    too, and with `inspect` the findings on its data. What is wrong with one hides nothing of another.
    """
    listed = load_specs(paths)
    problems = [one.error.splitlines() or _find_problems(one.spec, one.path, settings) for one in listed]
    for one, wrong in zip(listed, problems, strict=True):
        spec = None if wrong else one.spec
        found, failure = _inspect(inspect, spec) if inspect and spec else (None, "")
        _print(one, wrong, (_find_checks(spec, settings, found), found, failure), as_json=as_json)
    for folder in (path for path in paths if not listed and Path(path).is_dir()):
        sys.stderr.write(f"{folder}: no specs (*.yaml, *.yml) in this folder and those below it.\n")
    if len(listed) > 1 and not as_json:
        open_output().write(f"{len(listed)} specs, {sum(map(bool, problems))} with mistakes\n")
    return bool(listed) and not any(problems)


def _find_problems(spec: ModelSpec | None, path: Path, settings: Settings | None) -> list[str]:
    """Return the mistakes of a spec that can be loaded; one that none foresaw hides those of no other spec."""
    if spec is None:
        return []
    try:
        _check_expectations(spec)
        return [*_zone_mistakes(spec, settings.store if settings else None), *_function_mistakes(spec, path)]
    except ConfigError as error:
        return str(error).splitlines()
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        return [f"{path}: {describe_unexpected(error)}"]


def _inspect(inspect: Callable[[ModelSpec], Inspection], spec: ModelSpec) -> tuple[Inspection | None, str]:
    """Return the findings on the data of a spec, or why there are none."""
    try:
        return inspect(spec), ""
    except MlmonError as error:
        return None, str(error)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        return None, describe_unexpected(error)


def _check_expectations(spec: ModelSpec) -> None:
    if spec.quality:
        from airflow_mlmon.quality.great_expectations import check_arguments  # noqa: PLC0415 - slow to import

        check_arguments(spec.quality)


def _zone_mistakes(spec: ModelSpec, store: str | None) -> Iterator[str]:
    """Yield that the days of the model in the store are days of another zone."""
    if store is None:
        return
    from airflow_mlmon.store.zones import read_day_zone  # noqa: PLC0415 - slow to import

    try:
        check_day_zone(spec, read_day_zone(store, spec.model))
    except ConfigError as error:
        yield str(error)
    except (NotFoundError, ServiceError):
        # specs are checked on machines without the store too; a run looks again
        return


def _function_mistakes(spec: ModelSpec, path: Path) -> Iterator[str]:
    """Yield what is wrong with each function of an own metric that cannot be loaded."""
    if spec.metrics:
        from airflow_mlmon.tasks.own import load_function  # noqa: PLC0415 - slow to import
    for name, target in spec.metrics.items():
        try:
            load_function(target, has_labels=spec.labels is not None)
        except ConfigError as error:
            yield f"{locate(path, 'metrics', name)}: {error}"


def _find_checks(spec: ModelSpec | None, settings: Settings | None, found: Inspection | None) -> ChecksFound | None:
    """Return the checks that are inferred; None for a spec with its own."""
    if settings is None or spec is None or spec.quality is not None:
        return None
    from airflow_mlmon.cli.inferred import find_checks  # noqa: PLC0415 - slow to import

    return find_checks(spec, settings, found.reference.inferred if found else None)


def _print(
    listed: ListedSpec,
    problems: Sequence[str],
    of_data: tuple[ChecksFound | None, Inspection | None, str],
    *,
    as_json: bool,
) -> None:
    checks, found, failure = of_data
    path, spec = listed.path, listed.spec
    if as_json:
        content: dict[str, object] = {
            "file": str(path),
            "model": spec.model if spec else None,
            "ok": not problems,
            "problems": problems,
        }
        if checks:
            content["checks"] = checks.to_dict()
        if failure:
            content["data"] = {"good": False, "error": failure}
        print_json(content | ({"data": found.to_dict()} if found else {}))
    elif problems:
        sys.stderr.write("\n".join(problems) + "\n")
    elif spec:
        open_output().write(
            f"{path}: ok: model {spec.model}, {len(spec.features)} features, "
            f"{'no labels' if spec.labels is None else 'labels'}, {len(spec.alerts.rules)} alert rules"
            f"{'' if spec.quality is None else f', {len(spec.quality)} checks'}\n"
        )
        if checks:
            open_output().writelines(f"{line}\n" for line in checks.describe())
        if found:
            from airflow_mlmon.cli.findings import describe  # noqa: PLC0415 - slow to import

            open_output().writelines(f"{line}\n" for line in describe(found, spec))
        if failure:
            sys.stderr.write(f"{path}: {failure}\n")

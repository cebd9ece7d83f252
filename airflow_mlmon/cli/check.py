"""`mlmon check`: validate specs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from airflow_mlmon.cli.output import print_json
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import load_spec, locate
from airflow_mlmon.spec import ModelSpec


def check_specs(paths: Sequence[str], *, as_json: bool) -> bool:
    """Print the mistakes in each spec; return True if there are none."""
    good = True
    for path in paths:
        problems: list[str] = []
        spec: ModelSpec | None = None
        try:
            spec = load_spec(path)
            _check_expectations(spec)
            problems = list(_function_mistakes(spec, path))
        except ConfigError as error:
            problems = str(error).splitlines()
        good = good and not problems
        _print(path, spec, problems, as_json=as_json)
    return good


def _check_expectations(spec: ModelSpec) -> None:
    if spec.quality:
        from airflow_mlmon.quality.great_expectations import check_arguments  # noqa: PLC0415 - slow to import

        check_arguments(spec.quality)


def _function_mistakes(spec: ModelSpec, path: str) -> Iterator[str]:
    """Yield what is wrong with each function of an own metric that cannot be loaded."""
    if spec.metrics:
        from airflow_mlmon.tasks.own import load_function  # noqa: PLC0415 - slow to import
    for name, target in spec.metrics.items():
        try:
            load_function(target, has_labels=spec.labels is not None)
        except ConfigError as error:
            yield f"{locate(path, 'metrics', name)}: {error}"


def _print(path: str, spec: ModelSpec | None, problems: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        content = {"file": path, "model": spec.model if spec else None, "ok": not problems, "problems": problems}
        print_json(content)
    elif problems:
        sys.stderr.write("\n".join(problems) + "\n")
    elif spec:
        sys.stdout.write(
            f"{path}: ok: model {spec.model}, {len(spec.features)} features, "
            f"{'no labels' if spec.labels is None else 'labels'}, {len(spec.alerts.rules)} alert rules\n"
        )

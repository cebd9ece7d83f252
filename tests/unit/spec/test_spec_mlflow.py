"""A spec that names MLflow."""

from __future__ import annotations

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec.mlflow import check_aliases
from tests.support.base_day import SPEC

OF_PATH = "reference:\n  path: /archive/reference/\n"


def spec_of(reference: str, head: str = "model: m\n"):
    text = SPEC.format(root="/archive")
    assert OF_PATH in text
    return parse_spec(text.replace(OF_PATH, f"reference:\n  {reference}\n").replace("model: m\n", head), "m.yaml")


def test_address_alone_is_enough():
    mlflow = spec_of("mlflow: models:/fraud model/7").reference.mlflow
    assert mlflow.address == ("fraud model", "7", None, None, None)
    assert (mlflow.connection, mlflow.predict, mlflow.write_back) == ("mlmon_mlflow_default", None, True)


def test_what_does_not_change_the_rows_is_not_declared():
    plain = spec_of("mlflow: models:/fraud/7").reference.declaration
    other = spec_of("mlflow: {uri: models:/fraud/7, connection: x, write_back: false}").reference.declaration
    assert plain == other
    assert plain != spec_of("mlflow: models:/fraud/8").reference.declaration
    assert plain != spec_of("mlflow: {uri: models:/fraud/7, predict: /py, output: score}").reference.declaration


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("mlflow: models:/fraud", "m.yaml:.*is not the address of a model version"),
        ("mlflow: models:/fraud/latest", "is not the address"),
        ("mlflow: models:/fraud/0", "is not the address"),
        ("mlflow: https://mlflow/fraud", "is not the address"),
        ("path: /archive/\n  mlflow: models:/fraud/7", "give `path` or `mlflow`"),
        ("label: fraud", "give `path` or `mlflow`"),
        ("mlflow: {uri: runs:/0a/x.csv, artifact: y}", "names an artifact already"),
        ("mlflow: {uri: models:/fraud/7, artifact: x, dataset: y}", "give `artifact` or `dataset`"),
        ("mlflow: {uri: models:/fraud/7, artifact: ../x}", "not a path below the run's artifacts"),
        ("mlflow: {uri: models:/fraud/7, output: score}", "only with `predict`"),
        ("mlflow: {uri: models:/fraud/7, predict: /py, output: scores}", "did you mean score"),
        ("mlflow: {uri: runs:/0a/x, predict: /py}", "a run names no model"),
        ("mlflow: {uri: models:/fraud/7, digest: ff}", "digest"),
        ("mlflow: models:/fraud/7\n  format: delta", "no Delta table"),
    ],
)
def test_mistake_is_named(reference, said):
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        spec_of(reference)


def test_version_by_address_is_one_by_alias():
    check_aliases(["7", "v8", "models:/fraud@champion"])
    with pytest.raises(ValueError, match="'models:/fraud/7' is no alias; write the version itself"):
        check_aliases(["models:/fraud/7"])
    with pytest.raises(ConfigError, match="role: version"):
        spec_of("mlflow: models:/fraud/7", 'model: m\nversions: {"models:/fraud@champion": previous}\n')

"""Attributions in a spec: a pattern over the features, single columns, a vector, and mistakes with their lines."""

from __future__ import annotations

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec import ModelSpec, Role
from tests.support.archive import SPEC

LINE = 15


def parse(*lines: str) -> ModelSpec:
    text = SPEC.format(root="s3://loans")
    return parse_spec(
        text.replace("    score:", "".join(f"    {line}\n" for line in lines) + "    score:"), "loans.yaml"
    )


def test_pattern_stands_for_a_column_of_each_feature():
    spec = parse('"shap_{feature}": {type: float, role: attribution}')

    assert spec.columns_of(Role.ATTRIBUTION) == ("shap_amount", "shap_term", "shap_channel")
    assert [spec.columns[name].feature for name in spec.columns_of(Role.ATTRIBUTION)] == ["amount", "term", "channel"]
    assert spec.features == ("amount", "term", "channel")
    assert spec.outputs == ("score", "approved", "shap_amount", "shap_term", "shap_channel")


def test_column_declared_by_itself_is_not_expanded_again():
    spec = parse(
        '"shap_{feature}": {type: float, role: attribution}',
        "shap_term: {type: float, role: attribution, feature: term, required: true}",
    )

    assert [name for name, column in spec.columns.items() if column.required] == ["term", "shap_term"]


def test_text_is_one_feature_of_the_model():
    spec = parse("note: {type: string, role: text}", '"shap_{feature}": {type: float, role: attribution}')

    assert "shap_note" in spec.columns_of(Role.ATTRIBUTION)


def test_unset_feature_changes_no_column():
    assert parse().columns["amount"].feature is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(
            "shap: {type: vector, dimension: 4, role: attribution}", "the number of features, 3", id="dimension"
        ),
        pytest.param(
            "shap_a: {type: float, role: attribution}", "name the feature of the attribution", id="no feature"
        ),
        pytest.param(
            "shap_a: {type: float, role: attribution, feature: amont}", "did you mean amount", id="unknown feature"
        ),
        pytest.param("shap_a: {type: float, feature: amount}", "only for role attribution", id="feature of a feature"),
        pytest.param(
            '"shap_{feature}": {type: integer, role: attribution}', "must be of type float or vector", id="integers"
        ),
        pytest.param(
            "shap: {type: vector, dimension: 3, role: attribution, feature: amount}",
            "a vector of attributions is of all features",
            id="vector of one",
        ),
        pytest.param(
            "shap_a: {type: float, role: attribution, feature: amount, personal: drop}",
            "not a personal one",
            id="personal",
        ),
    ],
)
def test_mistake_is_refused_with_its_line(line, said):
    with pytest.raises(ConfigError, match=said) as raised:
        parse(line)

    assert str(raised.value).startswith(f"loans.yaml:{LINE}: predictions.columns.shap")


def test_two_attributions_to_one_feature_are_refused():
    with pytest.raises(ConfigError, match="'amount' has an attribution already: 'one'"):
        parse(*(f"{name}: {{type: float, role: attribution, feature: amount}}" for name in ("one", "two")))


def test_vector_beside_columns_is_refused():
    with pytest.raises(ConfigError, match="a vector of attributions stands alone"):
        parse(
            "shap: {type: vector, dimension: 3, role: attribution}",
            "one: {type: float, role: attribution, feature: amount}",
        )

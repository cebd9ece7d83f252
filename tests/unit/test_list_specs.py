"""A folder of specs is listed whole: a wrong one costs its own model only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import list_specs

GOOD = """\
model: {model}
start: 2026-01-01
predictions:
  path: s3://bucket/predictions/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    score: {{type: float, role: score}}
reference: {{path: s3://bucket/reference/}}
"""


def write(folder: Path, **texts: str) -> None:
    """Write files; the name has __ for a folder, and _dot_ for the dot of the ending."""
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def listed(folder: Path) -> dict[str, str]:
    """Files by model, with a mark at those that cannot be loaded."""
    return {
        found.model: str(found.path.relative_to(folder)) + (" !" if found.error else "") for found in list_specs(folder)
    }


def test_specs_of_both_endings_and_of_folders_below_are_listed_by_path(tmp_path: Path):
    write(
        tmp_path,
        b_dot_yaml=GOOD.format(model="two"),
        a_dot_yml=GOOD.format(model="one"),
        risk__c_dot_yaml=GOOD.format(model="three"),
        notes_dot_txt="none",
    )

    assert listed(tmp_path) == {"one": "a.yml", "two": "b.yaml", "three": "risk/c.yaml"}


def test_hidden_folders_are_passed_over_such_as_those_of_a_mounted_config_map(tmp_path: Path):
    write(tmp_path, **{"..2026__fraud_dot_yaml": GOOD.format(model="fraud")})
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "fraud.yaml").symlink_to("..data/fraud.yaml")

    assert listed(tmp_path) == {"fraud": "fraud.yaml"}


def test_a_spec_that_cannot_be_loaded_is_named_by_its_model_or_else_by_its_file(tmp_path: Path):
    write(
        tmp_path,
        a_dot_yaml=GOOD.format(model="fraud").replace("role: score", "rolle: score"),
        b_dot_yaml="model: 'loans' # ours\npredictions: [",
        Credit_Risk_dot_yaml="",
        c_dot_yaml="model: Churn!\n",
        x__c_dot_yaml="model: c\n",
        y__c_dot_yaml="",
    )

    assert listed(tmp_path) == {
        "credit_risk": "Credit_Risk.yaml !",
        "fraud": "a.yaml !",
        "loans": "b.yaml !",
        "c": "c.yaml !",
        "x_c": "x/c.yaml !",
        "y_c": "y/c.yaml !",
    }
    errors = {found.model: found.error for found in list_specs(tmp_path)}
    assert errors["fraud"].startswith(f"{tmp_path}/a.yaml:8: predictions.columns.score.rolle: unknown key")
    assert errors["credit_risk"].startswith(f"{tmp_path}/Credit_Risk.yaml:1: a spec must be a mapping")


def test_of_two_specs_of_one_model_the_first_is_it_and_the_other_names_both(tmp_path: Path):
    write(tmp_path, b_dot_yaml=GOOD.format(model="fraud"), copy_dot_yaml=GOOD.format(model="fraud"))

    first, second = list_specs(tmp_path)

    assert (first.model, first.error) == ("fraud", "")
    assert (second.model, second.spec) == ("copy", None)
    assert second.error == (
        f"{tmp_path}/copy.yaml:1: model: 'fraud' is already the model of {tmp_path}/b.yaml; "
        "give one of them another name"
    )


def test_a_wrong_copy_does_not_take_the_name_of_a_right_spec(tmp_path: Path):
    write(tmp_path, a_dot_yaml="model: fraud\n", b_dot_yaml=GOOD.format(model="fraud"))

    assert listed(tmp_path) == {"a": "a.yaml !", "fraud": "b.yaml"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: " + "[" * 900_000, "nested too deeply", id="deep"),
        pytest.param("- " * 450_000, "nested too deeply", id="deep-lists"),
        pytest.param("? " * 450_000, "nested too deeply", id="deep-keys"),
        pytest.param(
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(f"a{n}: &a{n} [{'*a, ' * 9}]\n" for n in range(3_000)),
            "more than 200000 values",
            id="aliases",
        ),
        pytest.param("model: fraud\n" + "#" * 2_000_000, "too large: at most 2 MB", id="large"),
        pytest.param("start: 2026-02-30\n", "not valid YAML: day is out of range", id="no-day"),
        pytest.param("a: " + "1" * 5_000, "not valid YAML", id="digits"),
        pytest.param(
            GOOD.format(model="loans").replace("role: score", "role: [1]"), "[1] is not valid", id="list-for-a-word"
        ),
        pytest.param("a: !!python/object/apply:os.system [id]", "not valid YAML", id="code"),
    ],
)
def test_hostile_text_costs_its_own_model_only(tmp_path: Path, text: str, expected: str):
    write(tmp_path, a_dot_yaml=text, b_dot_yaml=GOOD.format(model="fraud"))

    first, second = list_specs(tmp_path)

    assert expected in first.error
    assert second.spec is not None


def test_a_pipe_is_not_opened_and_an_unreadable_file_is_named(tmp_path: Path):
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "c.yaml").write_bytes(b"model: \xff\n")

    [found] = list_specs(tmp_path)

    assert found.error == f"{tmp_path}/c.yaml: not UTF-8 text (byte 7)."


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="no such folder of specs"):
        list_specs(tmp_path / "models")

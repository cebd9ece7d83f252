"""A wrong spec says where, what, and what was probably meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import load_spec, parse_spec
from airflow_mlmon.spec import Role, Severity

GOOD = """\
model: fraud
start: 2026-01-01
predictions:
  path: s3://bucket/predictions/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    amount: {type: float}
    score: {type: float, role: score}
reference:
  path: s3://bucket/reference/
quality:
  - expectation: expect_column_values_to_not_be_null
    column: amount
    severity: blocking
alerts:
  rules:
    - metric: null_rate
      column: amount
      max: 0.1
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_spec(text, "fraud.yaml")
    return str(caught.value).splitlines()


def test_parse_spec_reads_every_section():
    spec = parse_spec(GOOD, "fraud.yaml")

    assert spec.features == ("amount",)
    assert spec.column_of(Role.SCORE) == "score"
    assert spec.quality[0].severity is Severity.BLOCKING
    assert spec.alerts.channels[0].log


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "  path: s3://bucket/pred",
            "  pth: s3://bucket/pred",
            [
                "fraud.yaml:3: predictions.path: is missing",
                "fraud.yaml:4: predictions.pth: unknown key; did you mean path?",
            ],
            id="unknown-key",
        ),
        pytest.param(
            "amount: {type: float}",
            "amount: {type: flot}",
            ["fraud.yaml:8: predictions.columns.amount.type: 'flot' is not valid; did you mean float?"],
            id="wrong-type",
        ),
        pytest.param(
            "amount: {type: float}",
            "amount: {type: float, requird: true}",
            ["fraud.yaml:8: predictions.columns.amount.requird: unknown key; did you mean required?"],
            id="unknown-key-of-a-column",
        ),
        pytest.param(
            "      column: amount\n      max",
            "      column: amout\n      max",
            ["fraud.yaml:19: alerts.rules.0.column: 'amout' is unknown; did you mean amount?"],
            id="unknown-column-of-a-rule",
        ),
        pytest.param(
            "    column: amount\n    severity",
            "    column: amuont\n    severity",
            ["fraud.yaml:14: quality.0.column: 'amuont' is unknown; did you mean amount?"],
            id="unknown-column-of-a-check",
        ),
        pytest.param(
            "metric: null_rate",
            "metric: nul_rate",
            ["fraud.yaml:18: alerts.rules.0.metric: 'nul_rate' is unknown; did you mean null_rate?"],
            id="unknown-metric",
        ),
        pytest.param(
            "dt={date}/",
            "dt={day}/",
            [
                (
                    "fraud.yaml:4: predictions.path: "
                    "the path must name the day: put {date}, or {year}, {month} and {day}, into it"
                )
            ],
            id="path-without-the-whole-day",
        ),
        pytest.param(
            "path: s3://bucket/pred",
            "path: oss://bucket/pred",
            [
                (
                    "fraud.yaml:4: predictions.path: "
                    "oss:// names no supported object store; use a local path, file://, s3://, abfs:// or gs://"
                )
            ],
            id="store-of-another-kind",
        ),
        pytest.param(
            "path: s3://bucket/reference/",
            "path: s3a://bucket/reference/",
            ["fraud.yaml:11: reference.path: s3a:// names no supported object store; write s3://"],
            id="other-spelling-of-s3",
        ),
        pytest.param(
            "model: fraud",
            "model: Fraud!",
            [r"fraud.yaml:1: model: string should match pattern '^[a-z][a-z0-9_]{0,62}$', not 'Fraud!'"],
            id="bad-name",
        ),
        pytest.param(
            "at: {type: timestamp, role: time}",
            "at: {type: timestamp}",
            ["fraud.yaml:5: predictions.columns: exactly one column needs `role: time`, found 0"],
            id="no-time",
        ),
        pytest.param(
            "score: {type: float, role: score}",
            "score: {type: string, role: score}",
            ["fraud.yaml:9: predictions.columns.score.type: a column of role score must be of type float"],
            id="score-of-text",
        ),
        pytest.param(
            "      max: 0.1\n",
            "",
            ["fraud.yaml:18: alerts.rules.0: give at least one of min, max and history"],
            id="rule-without-limit",
        ),
        pytest.param(
            "model: fraud",
            "duplicates: {redis: redis_default}\nmodel: fraud",
            ["fraud.yaml:1: duplicates.days: is missing"],
            id="duplicates-without-days",
        ),
        pytest.param(
            "model: fraud",
            "duplicates: {days: 0}\nmodel: fraud",
            ["fraud.yaml:1: duplicates.days: input should be greater than or equal to 1, not 0"],
            id="duplicates-of-no-day",
        ),
    ],
)
def test_parse_spec_names_line_key_and_nearest(old, new, expected):
    assert old in GOOD

    assert mistakes(GOOD.replace(old, new)) == expected


def test_parse_spec_reports_every_mistake_at_once():
    text = GOOD.replace("type: timestamp", "type: tmestamp").replace("start:", "strat:")

    assert len(mistakes(text)) == 3


def test_parse_spec_refuses_a_repeated_key():
    assert mistakes(GOOD + "model: other\n") == ["fraud.yaml:21: model: the key is given twice"]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("model: [", "fraud.yaml:2: not valid YAML"),
        ("", "fraud.yaml:1: a spec must be a mapping"),
        ("- a", "fraud.yaml:1: a spec must be a mapping"),
        ("model: !!python/object/apply:os.system [id]", "fraud.yaml:1: not valid YAML"),
    ],
)
def test_parse_spec_says_when_it_is_no_mapping(text, start):
    assert mistakes(text)[0].startswith(start)


def test_model_may_not_have_the_name_of_the_folder_of_the_pages():
    found = mistakes(GOOD.replace("model: fraud", "model: reports"))

    assert "model: 'reports' is the folder of the pages in the workspace" in found[0]


def test_load_spec_resolves_local_paths_against_its_folder(tmp_path: Path):
    (tmp_path / "fraud.yaml").write_text(GOOD.replace("s3://bucket/", "data/"))

    spec = load_spec(tmp_path / "fraud.yaml")

    assert spec.predictions.path == f"{tmp_path}/data/predictions/dt={{date}}"
    assert spec.reference.path == f"{tmp_path}/data/reference"


def test_load_spec_names_an_absent_file(tmp_path: Path):
    with pytest.raises(ConfigError, match=re.escape("nothing.yaml: cannot read the file: No such file")):
        load_spec(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("column", "line", "expected"),
    [
        pytest.param("{type: vector}", 8, "predictions.columns.e: dimension: is missing", id="no-dimension"),
        pytest.param("{type: float, dimension: 3}", 8, "dimension: only for type vector, not float", id="float"),
        pytest.param("{type: vector, dimension: 0}", 8, "dimension: input should be greater than", id="dimension-0"),
        pytest.param("{type: vector, dimension: 3, role: version}", 8, "role: a vector must be a feature", id="role"),
        pytest.param(
            "{type: vector, dimension: 3, personal: hash}",
            8,
            "personal: a vector cannot be hashed; use drop",
            id="hash",
        ),
        pytest.param("{type: vectr}", 8, "'vectr' is not valid; did you mean vector?", id="misspelt"),
    ],
)
def test_vector_declared_wrongly_is_refused_at_its_line(column, line, expected):
    (found,) = mistakes(GOOD.replace("    amount:", f"    e: {column}\n    amount:"))

    assert found.startswith(f"fraud.yaml:{line}: predictions.columns.e")
    assert expected in found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "    column: amount\n    severity",
            "    column: e\n    severity",
            "fraud.yaml:15: quality.0.column: 'e' is a vector; checks cannot read vectors",
            id="check",
        ),
        pytest.param(
            "alerts:",
            "drift:\n  columns:\n    e: {method: anderson}\nalerts:",
            "fraud.yaml:19: drift.columns.e.method: anderson needs a sample of rows; none is kept for vectors",
            id="method-of-rows",
        ),
        pytest.param(
            "alerts:", "segments: [e]\nalerts:", "'e' is a vector of role feature; a segment must be", id="segment"
        ),
    ],
)
def test_what_a_vector_cannot_do_is_refused_at_its_line(old, new, expected):
    text = GOOD.replace("    amount:", "    e: {type: vector, dimension: 3}\n    amount:").replace(old, new)

    (found,) = mistakes(text)

    assert expected in found


def test_vector_and_decimal_are_declared():
    spec = parse_spec(
        GOOD.replace("amount: {type: float}", "amount: {type: decimal}\n    e: {type: vector, dimension: 384}"),
        "f.yaml",
    )

    assert spec.vectors == ("e",)
    assert spec.columns["e"].dimension == 384
    assert spec.columns["amount"].type == "decimal"


def test_task_is_inferred_from_the_types_of_the_outputs():
    assert parse_spec(GOOD, "fraud.yaml").task == "binary"
    assert parse_spec(f"task: binary\n{GOOD}", "fraud.yaml") == parse_spec(GOOD, "fraud.yaml")


def test_features_alone_are_a_task_of_their_own():
    bare = GOOD.replace("    score: {type: float, role: score}\n", "")
    labels = 'labels: {path: "s3://bucket/labels/{date}/", id: id, label: fraud}\n'

    assert parse_spec(bare, "fraud.yaml").task == "none"
    assert parse_spec(bare + labels, "fraud.yaml").task == "binary"
    assert mistakes(f"{bare}{labels}task: none\n") == ["fraud.yaml:20: labels: is of no use to a model of task none"]
    assert mistakes(f"{GOOD}task: none\n") == [
        "fraud.yaml:9: predictions.columns.score.role: a none model has no score"
    ]


@pytest.mark.parametrize(
    ("task", "what"),
    [
        pytest.param("binery", "'binery' is unknown; did you mean binary?", id="mistyped"),
        pytest.param("[binary]", "['binary'] is unknown; did you mean binary?", id="list"),
    ],
)
def test_task_that_does_not_exist_is_refused_by_name_with_the_other_mistakes(task, what):
    text = f"task: {task}\n{GOOD}".replace("start: 2026-01-01", "start: someday")

    first, *others = mistakes(text)
    assert first == f"fraud.yaml:1: task: {what}"
    assert [line.split(": ")[:2] for line in others if "task" not in line] == [["fraud.yaml:3", "start"]]


def test_score_of_another_type_is_refused_by_the_task():
    text = GOOD.replace("score: {type: float, role: score}", "score: {type: string, role: score}")

    assert mistakes(text) == [
        "fraud.yaml:9: predictions.columns.score.type: a column of role score must be of type float"
    ]


def test_key_of_another_kind_of_model_is_the_mistake_and_not_the_columns():
    outputs = "score: {type: float, role: score}"
    assert outputs in GOOD
    text = GOOD.replace(outputs, "minutes: {type: float, role: prediction}") + "threshold: 0.3\n"

    [mistake] = mistakes(text)
    assert mistake.endswith("threshold: is of no use to a regression model")

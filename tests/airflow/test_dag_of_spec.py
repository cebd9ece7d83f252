"""Section `dag` of a spec, and what the DAG is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import DAG

from airflow_mlmon.dag_factory import build_dag, build_dags
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec.summary import summarise_spec
from tests.support.archive import Archive
from tests.support.runs import write_file


def text(*replacements: tuple[str, str]) -> str:
    return Archive("/archive", write_file).spec_text(*replacements)


def with_dag(options: str) -> str:
    return text(("reference:\n", f"dag: {{{options}}}\nreference:\n"))


def dag_of(folder: Path, content: str) -> DAG:
    (folder / "loans.yaml").write_text(content)
    return build_dag(folder / "loans.yaml")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("schedule: 0 6 * * 1", "dag.schedule: '0 6 * * 1' is not the time of one run a day", id="weekly"),
        pytest.param("schedule: '*/5 * * * *'", "is not the time of one run a day", id="often"),
        pytest.param("schedule: 0 24 * * *", "is not the time of one run a day", id="no-hour"),
        pytest.param(
            "owner_link: javascript:alert(1)", "dag.owner_link: 'javascript:alert(1)' does not begin", id="script"
        ),
        pytest.param("retries: -1", "dag.retries: input should be greater than or equal to 0", id="retries"),
        pytest.param("singel_task: true", "dag.singel_task: unknown key; did you mean single_task?", id="unknown"),
        pytest.param("single_task: true}\nshards: {megabytes: 1", "dag.single_task: a day in `shards`", id="shards"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: str, expected: str):
    with pytest.raises(ConfigError) as caught:
        parse_spec(with_dag(options), "loans.yaml")

    assert expected in str(caught.value)


def test_options_reach_the_dag_and_its_tasks(tmp_path: Path):
    content = with_dag(
        "schedule: 30 5 * * *, max_active_runs: 3, pool: night, queue: small, priority_weight: 7, retries: 4, "
        "owner_link: 'mailto:risk@example.com', deferrable: true"
    ).replace("model: loans\n", "model: loans\nowner: risk\nteam: credit\ntags: [eu, mlmon]\n")

    dag = dag_of(tmp_path, content)

    assert (dag.max_active_runs, dag.tags, dag.owner_links) == (3, {"mlmon", "eu"}, {"risk": "mailto:risk@example.com"})
    assert dag.timetable.expression == "30 5 * * *"
    for task in dag.tasks:
        assert (task.pool, task.queue, task.priority_weight, task.retries) == ("night", "small", 7, 4)
        assert task.owner == "risk"
    assert dag.get_task("wait_for_partition").deferrable is True


def test_a_model_with_druid_has_a_task_for_it_and_one_without_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AIRFLOW_CONN_MLMON_DRUID_DEFAULT", raising=False)
    without = set(dag_of(tmp_path, text()).task_ids)
    declared = set(dag_of(tmp_path, text(("reference:\n", "druid: {}\nreference:\n"))).task_ids)
    single = set(dag_of(tmp_path, with_dag("single_task: true}\ndruid: {connection: mine")).task_ids)
    monkeypatch.setenv("AIRFLOW_CONN_MLMON_DRUID_DEFAULT", "http://localhost")
    in_environment = set(dag_of(tmp_path, text()).task_ids)

    assert declared == in_environment == without - {"day_evaluated"} | {"druid_ingest"}
    assert single == {"run_partition", "druid_ingest"}


def test_documentation_shows_texts_of_the_spec_as_they_are(tmp_path: Path):
    hostile = "<script>alert(1)</script> [a](javascript:b) | `c`"
    content = text(("model: loans\n", f"model: loans\nowner: '{hostile}'\n"))

    shown = dag_of(tmp_path, content).doc_md

    assert r"&lt;script&gt;alert\(1\)&lt;\/script&gt; \[a\]\(javascript\:b\) \| \`c\`" in shown
    assert "/loans/index.html)" in shown
    assert r"| Limit | score\_mean\: history 5 sd \(warning\) |" in shown
    assert "| Predictions | \\/archive\\/predictions\\/" in shown


def test_summary_without_options_says_what_is_known():
    spec = parse_spec(text(), "loans.yaml")

    assert "| Owner |" not in summarise_spec(spec, "https://airflow.example.com/mlmon")


def test_a_wrong_spec_among_five_costs_its_own_dag_only(tmp_path: Path):
    for number in range(5):
        (tmp_path / f"{number}.yaml").write_text(text(("model: loans", f"model: loans{number}")))
    wrong = text(("model: loans", "model: loans2"), ("role: score", "role: scor"))
    (tmp_path / "2.yaml").write_text(wrong)

    dags = build_dags(tmp_path)

    assert set(dags) == {f"loans{number}" for number in range(5)}
    broken = dags["loans2"]
    assert broken.tags == {"mlmon-broken"}
    assert broken.description.startswith(f"{tmp_path}/2.yaml:")
    assert "'scor' is not valid; did you mean score?" in broken.description
    [task] = broken.tasks
    assert (task.retries, task.error) == (0, broken.description)
    assert all(dag.tags == {"mlmon"} for name, dag in dags.items() if name != "loans2")


def test_a_dag_that_airflow_refuses_is_a_broken_one(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(
        text(("  positive_name: repaid\n", "  positive_name: repaid\n  schedule: never\n"))
    )
    (tmp_path / "b.yaml").write_text(text(("model: loans", "model: others")))

    dags = build_dags(tmp_path)

    assert {name: dag.tags for name, dag in dags.items()} == {"loans": {"mlmon-broken"}, "others": {"mlmon"}}


def test_a_model_of_the_name_of_a_labels_dag_is_not_overwritten(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(text(("model: loans", "model: loans_labels")))
    (tmp_path / "b.yaml").write_text(
        text(("  positive_name: repaid\n", "  positive_name: repaid\n  schedule: manual\n"))
    )

    dags = build_dags(tmp_path)

    assert {name: dag.tags for name, dag in dags.items()} == {"loans_labels": {"mlmon"}, "loans": {"mlmon-broken"}}
    assert "labels.schedule: 'loans_labels', the DAG of the labels, is another model" in dags["loans"].description

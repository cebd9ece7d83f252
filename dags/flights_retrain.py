"""Retrain the model of the example service when it has drifted, try the new version, and promote it or roll back.

    read_verdict     why: the drift or loss of performance that the monitoring has confirmed, or a start by hand
    export_rows      the labelled rows of the last days, as curated by the monitoring, into a file
    train            in the environment of the service: fit, and compare with what was served on the last labelled days
    register         a version in MLflow, once for the same rows; alias `challenger`
    ask_canary       a person sees the comparison, and approves a share of the traffic
    start_canary     tag `canary_share`; the service asks the registry again
    await_labels     until both versions have served enough days with labels
    is_no_worse      the rule: a version that is worse beyond its interval is rolled back without a question
    ask_promotion    a person sees the comparison of the days
    promote          alias `champion`, which the service, and the baseline of the monitoring, follow
    roll_back        instead of `promote`, whatever of the above said no: no share, and tags that say why

A run that is repeated from any task on registers nothing twice. The registry is the connection `mlmon_mlflow_default`,
the service the connection `flights_service`. Unpause it, or trigger it by hand.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, PokeReturnValue, task

from airflow_mlmon.operators.assets import drift_asset

MODEL = "flights_served"
# its name in the registry
REGISTERED = "flights"
SPEC = str(Path(__file__).parents[1] / "include" / "serving" / "flights_served.yaml")
METRIC = "roc_auc"
DEFAULTS = {"days": 28, "held_out": 7, "share": 0.2, "canary_days": 7, "patience": 21}
ANSWER_WITHIN = timedelta(days=7)
LOOK_EVERY = timedelta(hours=1)
RETRY_AFTER = timedelta(minutes=5)


class Question(ApprovalOperator):
    """Question whose answer can be read by other tasks, also where it was "no": Airflow then keeps no result."""

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Note the answer, and go by it."""
        answer = {name: event.get(name) for name in ("chosen_options", "responded_by_user")}
        context["ti"].xcom_push(key="answer", value=answer)
        return super().execute_complete(context, event)


with DAG(
    dag_id=f"{MODEL}_retrain",
    schedule=[drift_asset(MODEL)],
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args={"retries": 2, "retry_delay": RETRY_AFTER},
    params={
        "days": Param(
            DEFAULTS["days"], type="integer", minimum=2, maximum=120, description="Days whose labelled rows are taken."
        ),
        "held_out": Param(
            DEFAULTS["held_out"], type="integer", minimum=1, description="Last labelled days, for the comparison."
        ),
        "share": Param(
            DEFAULTS["share"], type="number", exclusiveMinimum=0, exclusiveMaximum=1, description="Share of the canary."
        ),
        "canary_days": Param(
            DEFAULTS["canary_days"], type="integer", minimum=1, description="Days with labels that both versions serve."
        ),
        "patience": Param(
            DEFAULTS["patience"], type="integer", minimum=1, description="Days after which it is asked without them."
        ),
    },
    tags=["mlmon", "example"],
    doc_md=__doc__,
):

    @task
    def read_verdict(triggering_asset_events: Any = None) -> dict[str, Any]:
        """Read what has triggered the run; of a start by hand, the last day that was evaluated."""
        found = [event for events in (triggering_asset_events or {}).values() for event in events]
        if found:
            return dict(found[-1].extra)
        with open_model() as run:
            return {"partition": str(run.store.last_evaluated_day(run.model)), "alerts": []}

    @task
    def export_rows(verdict: Any, params: Any = None) -> dict[str, Any]:
        """Write the labelled rows up to the day of the verdict to the workspace."""
        from datetime import date  # noqa: PLC0415 - a DAG file imports what its tasks need in the tasks

        from include.retraining import rows  # noqa: PLC0415

        with open_model() as run:
            return rows.export_rows(run, date.fromisoformat(verdict["partition"]), params["days"])

    @task
    def train(exported: Any, params: Any = None) -> dict[str, Any]:
        """Fit a model, and compare it."""
        return in_training("train", exported=exported, model=REGISTERED, held_out=params["held_out"])

    @task
    def register(verdict: Any, exported: Any, trained: Any, params: Any = None) -> dict[str, Any]:
        """Register the model, and word the question."""
        from include.retraining.words import offline_question, verdict_title  # noqa: PLC0415

        why = verdict_title(verdict)
        version = in_training("register", trained=trained, exported=exported, model=REGISTERED, verdict=why)
        return {"version": version, "question": offline_question(verdict, trained, params["share"])}

    ask_canary = Question(
        task_id="ask_canary",
        subject=f"Try version {{{{ ti.xcom_pull(task_ids='register').version }}}} of {REGISTERED}?",
        body="{{ ti.xcom_pull(task_ids='register').question }}",
        defaults=Question.REJECT,
        response_timeout=ANSWER_WITHIN,
    )

    @task
    def start_canary(registered: Any, answer: Any, params: Any = None) -> dict[str, Any]:
        """Give the version its share of the traffic; what it served is compared from the next day on."""
        from include.retraining.environment import refresh  # noqa: PLC0415
        from include.retraining.words import responder  # noqa: PLC0415

        with open_model() as run:
            since = str(run.store.last_evaluated_day(run.model))
        version = registered["version"]
        in_training("start_canary", model=REGISTERED, version=version, share=params["share"], by=responder(answer))
        return {"version": version, "since": since, "serving": refresh(service())}

    @task.sensor(mode="reschedule", poke_interval=LOOK_EVERY, timeout=timedelta(days=90))
    def await_labels(canary: Any, params: Any = None) -> PokeReturnValue:
        """Compare both versions once they have served enough days with labels."""
        from datetime import date  # noqa: PLC0415

        from include.retraining.comparison import Outcome, compare_canary  # noqa: PLC0415

        with open_model() as run:
            found = compare_canary(
                run,
                canary["version"],
                metric=METRIC,
                days=params["canary_days"],
                since=date.fromisoformat(canary["since"]),
                patience=params["patience"],
            )
        return PokeReturnValue(is_done=found["outcome"] != Outcome.WAITING, xcom_value=found)

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def is_no_worse(comparison: Any) -> str:
        """Word the question, or nothing for a version that is worse beyond its interval."""
        from include.retraining.comparison import Outcome  # noqa: PLC0415
        from include.retraining.words import canary_question  # noqa: PLC0415

        return "" if comparison["outcome"] == Outcome.WORSE else canary_question(comparison)

    ask_promotion = Question(
        task_id="ask_promotion",
        subject=f"Make version {{{{ ti.xcom_pull(task_ids='register').version }}}} of {REGISTERED} the champion?",
        body="{{ ti.xcom_pull(task_ids='is_no_worse') }}",
        defaults=Question.REJECT,
        response_timeout=ANSWER_WITHIN,
    )

    @task
    def promote(answer: Any, ti: Any = None) -> dict[str, Any]:
        """Make the version the champion, in the name of the person who approved."""
        from include.retraining.environment import refresh  # noqa: PLC0415
        from include.retraining.words import responder, summary  # noqa: PLC0415

        version = ti.xcom_pull(task_ids="register")["version"]
        why = summary(ti.xcom_pull(task_ids="await_labels"))
        done = in_training("promote", model=REGISTERED, version=version, by=responder(answer), why=why)
        return {**done, "serving": refresh(service())}

    @task(trigger_rule="all_skipped")
    def roll_back(ti: Any = None) -> dict[str, Any]:
        """Take the share from the version, and say who or what refused it."""
        from include.retraining.environment import refresh  # noqa: PLC0415
        from include.retraining.words import refusal  # noqa: PLC0415

        before, after = (ti.xcom_pull(task_ids=name, key="answer") for name in ("ask_canary", "ask_promotion"))
        by, why = refusal(before, ti.xcom_pull(task_ids="await_labels"), after)
        version = ti.xcom_pull(task_ids="register")["version"]
        done = in_training("roll_back", model=REGISTERED, version=version, by=by, why=why)
        return {**done, "serving": refresh(service())}

    verdict = read_verdict()
    exported = export_rows(verdict)
    registered = register(verdict, exported, train(exported))
    registered >> ask_canary
    going = is_no_worse(await_labels(start_canary(registered, ask_canary.output)))
    going >> ask_promotion
    promote(ask_promotion.output) >> roll_back()


def open_model() -> Any:
    """Open the run of the monitored model."""
    from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415
    from airflow_mlmon.hooks.run import open_run  # noqa: PLC0415
    from airflow_mlmon.loading import load_spec  # noqa: PLC0415

    return open_run(load_spec(SPEC), read_airflow_settings(), must_exist=True)


def in_training(step: str, **arguments: Any) -> Any:
    """Run a step of the training in its own environment, with the registry's connection."""
    from airflow.sdk import BaseHook  # noqa: PLC0415

    from include.retraining.environment import call  # noqa: PLC0415

    found = BaseHook.get_connection("mlmon_mlflow_default")
    registry = {
        "MLFLOW_TRACKING_URI": found.host,
        "MLFLOW_TRACKING_USERNAME": found.login,
        "MLFLOW_TRACKING_PASSWORD": found.password,
    }
    return call(step, {name: value for name, value in registry.items() if value}, **arguments)


def service() -> str:
    """Return the address of the service."""
    from airflow.sdk import BaseHook  # noqa: PLC0415

    found = BaseHook.get_connection("flights_service")
    return f"{found.schema or 'http'}://{found.host}:{found.port}"

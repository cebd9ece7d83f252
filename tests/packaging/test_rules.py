"""Rules for Prometheus: each is tested by promtool, rests on gauges that are there, and has a runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from airflow_mlmon.reports.fleet import ModelStatus

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "include" / "deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
TESTS = yaml.safe_load((FOLDER / "rules.test.yml").read_text())["tests"]


@pytest.mark.service
@pytest.mark.parametrize("arguments", [("check", "rules", "rules.yml"), ("test", "rules", "rules.test.yml")])
def test_promtool_finds_no_fault(arguments):
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_in_a_test():
    fired = {test["alertname"] for one in TESTS for test in one.get("alert_rule_test", []) if test.get("exp_alerts")}

    assert fired == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_alert_leads_to_its_runbook(rule):
    anchor = rule["annotations"]["runbook_url"].rpartition("#")[2]

    assert anchor == rule["alert"].lower()
    assert f"\n## {rule['alert']}\n" in (ROOT / "include" / "docs" / "runbooks.md").read_text()
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_rules_rest_on_gauges_that_are_documented():
    used = set(re.findall(r"\bmlmon_\w+", " ".join(rule["expr"] for rule in RULES)))
    page = (ROOT / "include" / "docs" / "alerts.md").read_text()

    assert {name for name in used if f"`{name}`" not in page} == set()


def test_rules_ask_for_statuses_that_there_are():
    asked = set(re.findall(r'status="(\w+)"', " ".join(rule["expr"] for rule in RULES)))

    assert asked <= set(ModelStatus)

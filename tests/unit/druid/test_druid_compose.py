from __future__ import annotations

from pathlib import Path

import yaml

COMPOSE = yaml.safe_load(Path(__file__).parents[3].joinpath("docker-compose.yaml").read_text())


def test_only_the_router_is_published_and_on_loopback_only():
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}

    assert ports == {"router": ["127.0.0.1:8888:8888"]}


def test_all_of_druid_is_of_one_version():
    images = {service["image"] for service in COMPOSE["services"].values()}

    assert {image for image in images if "druid" in image} == {"apache/druid:33.0.0"}

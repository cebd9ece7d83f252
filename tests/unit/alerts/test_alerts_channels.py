"""Which channels a model has, and by which names that stay."""

from __future__ import annotations

import pytest

from airflow_mlmon.alerts.channels import channels_by_key, channels_of
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import load_channels, parse_spec
from airflow_mlmon.spec.alerts import Channel, SharedChannel
from tests.support.archive import Archive

MAIL = "a.Mail"


def spec(*lines, owner="Ada", model="loans"):
    archive = Archive("/nowhere", lambda *_: None)
    text = archive.spec_text(("model: loans", f"model: {model}\nowner: {owner}"), extra=lines)
    return parse_spec(text, "loans.yaml")


def test_channels_of_the_deployment_join_those_of_the_spec():
    shared = [SharedChannel(webhook="ops"), SharedChannel(notifier=MAIL), SharedChannel(alertmanager="am")]

    assert list(channels_of(spec("  channels: [{notifier: a.Mail}]"), shared)) == [
        "webhook:ops",
        "shared:notifier:a.Mail#1",
        "alertmanager:am",
        "notifier:a.Mail#1",
    ]


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, True),
        ({"models": ("loans",)}, True),
        ({"models": ("lo*",)}, True),
        ({"models": ("flights",)}, False),
        ({"owners": ("Ada", "Bea")}, True),
        ({"owners": ("Bea",)}, False),
        ({"models": ("loans",), "owners": ("Bea",)}, False),
        ({"models": ("loans",), "owners": ("Ada",)}, True),
    ],
)
def test_shared_channel_is_for_the_models_and_owners_that_it_names(changes, is_told):
    assert ("webhook:ops" in channels_of(spec(), [SharedChannel(webhook="ops", **changes)])) is is_told


def test_name_of_a_shared_notifier_stays_whichever_models_the_others_are_for():
    def shared(first):
        return [SharedChannel(notifier=MAIL, models=(first,)), SharedChannel(notifier=MAIL, owners=("Ada",))]

    with_both, with_one = (channels_of(spec(), shared(name)) for name in ("loans", "flights"))

    assert set(with_both) - set(with_one) == {"shared:notifier:a.Mail#1"}
    assert with_both["shared:notifier:a.Mail#2"] == with_one["shared:notifier:a.Mail#2"]


def test_channel_of_the_spec_stands_before_the_shared_one_of_the_same_name():
    own = spec("  channels: [{webhook: ops, severity: critical}]")

    assert channels_of(own, [SharedChannel(webhook="ops")])["webhook:ops"].severity == "critical"


def test_one_channel_that_is_named_twice_tells_the_most():
    critical, every = Channel(webhook="ops", severity="critical"), Channel(webhook="ops")

    for both in ([critical, every], [every, critical]):
        assert channels_by_key(both) == {"webhook:ops": every}


def test_mistake_in_the_file_of_channels_is_told_by_file_line_and_key(tmp_path):
    path = tmp_path / "channels.yaml"
    path.write_text("channels:\n  - {webhook: ops}\n  - {webhok: ops}\n")

    with pytest.raises(ConfigError, match=r"channels\.yaml:3: channels\.1.*did you mean webhook"):
        load_channels(path)


@pytest.mark.parametrize("text", ["", "- webhook: ops"])
def test_file_of_channels_that_is_no_mapping_is_told(tmp_path, text):
    path = tmp_path / "channels.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match="must be a mapping with the single key `channels`"):
        load_channels(path)

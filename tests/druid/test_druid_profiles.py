"""`<model>_profiles` counts in Druid what the stored profiles count, and follows the store."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.profiles.profile import Profile
from tests.support.archive import FIRST, day_table
from tests.support.druid.counted import counted, differing
from tests.support.druid.operator import ingested
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

SECOND = FIRST + timedelta(days=1)
SEGMENTS = ("history: {days", "segments: [channel]\nhistory: {days")
BY = '"column", "segment", "kind", "value", "cell"'


@pytest.fixture
def model(tmp_path: Path, request):
    """A run of a model of the test's own, of which one day has too many scores to keep each."""
    name = request.node.name.removeprefix("test_")[:40]
    archive = local_archive(tmp_path, 2)
    archive.model = name
    archive.write_predictions(SECOND, day_table(SECOND, 1_500))
    with opened(tmp_path, archive, ("model: loans", f"model: {name}"), SEGMENTS) as run:
        yield Model(run, archive)


class Model:
    def __init__(self, run, archive):
        self.run, self.archive = run, archive

    def load(self, client, *days: date):
        for day in days:
            evaluate_day(self.run, Partition.of_day(self.run.model, day))
        return ingested(self.run, client, *days)

    def stored(self, day: date) -> Profile:
        state = self.run.store.state(Partition.of_day(self.run.model, day))
        return Profile.from_bytes(
            self.run.files.read(profile_uri(self.run, state.partition, state.version, state.schema))
        )


def served(client, model: str, condition: str = "") -> Counter:
    """What Druid sums up over the days."""
    query = f'SELECT {BY}, SUM("count") AS n FROM "{model}_profiles" {condition} GROUP BY {BY} LIMIT 1000000'  # noqa: S608
    names = ("column", "segment", "kind", "value", "cell")
    return Counter({tuple(row[name] for name in names): row["n"] for row in client.sql(query)})


def test_sums_over_two_days_are_those_of_the_stored_profiles(client, model):
    done = model.load(client, FIRST, SECOND).done

    one, other = model.stored(FIRST), model.stored(SECOND)
    assert [one.columns["score"].distribution.is_exact, other.columns["score"].distribution.is_exact] == [True, False]
    assert differing(served(client, model.run.model), counted(one + other)) == []
    assert done[f"{model.run.model}_profiles {FIRST}"].rows > 100
    assert done[f"{model.run.model}_profiles {FIRST}"].task_id.startswith(f"mlmon.{model.run.model}_profiles.{FIRST}.")


def test_a_histogram_by_day_and_segment_needs_one_query(client, model):
    model.load(client, FIRST)
    table = f'"{model.run.model}_profiles"'
    condition = '"column" = ? AND "segment" = ? AND "kind" = \'cell\''
    query = f'SELECT "low", "high", SUM("count") AS n FROM {table} WHERE {condition} GROUP BY 1, 2 ORDER BY 1'  # noqa: S608

    bars = client.sql(query, ["amount", "channel=phone"])

    part = model.stored(FIRST).part("channel", "phone").columns["amount"]
    assert sum(bar["n"] for bar in bars) == part.observed
    assert bars[0]["low"] <= part.min < bars[0]["high"]
    assert bars[-1]["low"] <= part.max < bars[-1]["high"]


def test_a_day_that_is_run_again_replaces_its_own_counts(client, model):
    model.load(client, FIRST, SECOND)
    same = ingested(model.run, client, FIRST)
    model.archive.write_predictions(FIRST, day_table(FIRST, 60))

    again = model.load(client, FIRST)

    key = f"{model.run.model}_profiles {FIRST}"
    assert same.done[key].task_id != again.done[key].task_id
    assert differing(served(client, model.run.model), counted(model.stored(FIRST) + model.stored(SECOND))) == []
    versions = client.sql(f'SELECT "version" AS v FROM "{model.run.model}_profiles" GROUP BY 1')  # noqa: S608
    assert len(versions) == 2


def test_one_model_that_is_redone_leaves_the_other(client, model, tmp_path):
    model.load(client, FIRST)
    archive = local_archive(tmp_path / "other", 1)
    archive.model = "profiles_other"
    with opened(tmp_path / "other", archive, ("model: loans", "model: profiles_other")) as run:
        other = Model(run, archive)
        other.load(client, FIRST)
        before = served(client, "profiles_other")

        model.archive.write_predictions(FIRST, day_table(FIRST, 60))
        model.load(client, FIRST)

        assert differing(served(client, "profiles_other"), before) == []
        assert differing(before, counted(other.stored(FIRST))) == []


def test_a_day_that_became_empty_has_no_counts(client, model):
    model.load(client, FIRST, SECOND)
    for path in Path(f"{model.archive.root}/predictions/dt={FIRST}").iterdir():
        path.unlink()

    model.load(client, FIRST)

    assert differing(served(client, model.run.model), counted(model.stored(SECOND))) == []

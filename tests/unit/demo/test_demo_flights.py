from __future__ import annotations

import io
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from include.demo.archive import PREDICTIONS, objects
from include.demo.flights import FEATURES, THRESHOLD, Served, delivery_delay, read_flights, serve

FIRST, LAST = date(2013, 3, 6), date(2013, 3, 9)


@pytest.fixture(scope="module")
def served() -> Served:
    return serve(read_flights(FIRST, LAST))


@pytest.fixture(scope="module")
def archive(served) -> dict[str, bytes]:
    return dict(objects(served, LAST))


def read(archive, *prefixes) -> pd.DataFrame:
    return pd.concat(
        pq.read_table(io.BytesIO(data)).to_pandas().assign(key=key)
        for key, data in archive.items()
        if key.startswith(prefixes) and key.endswith(".parquet")
    )


def test_prediction_ids_are_unique_in_the_reference_and_the_archive(served):
    ids = pd.concat([served.reference["prediction_id"], served.archive["prediction_id"]])

    assert ids.is_unique
    assert "2013-03-08-UA1545-EWR" in set(ids)


def test_every_flight_of_the_day_is_archived_in_four_parts_and_a_marker(archive):
    day = "flights/predictions/dt=2013-03-08/"

    assert sorted(key for key in archive if key.startswith(day)) == [
        f"{day}_SUCCESS",
        *(f"{day}part-{number}.parquet" for number in range(4)),
    ]
    assert len(read(archive, day)) == 979


def test_event_times_lie_in_the_day_of_their_folder(archive):
    rows = read(archive, "flights/predictions/")

    assert (rows["event_time"].dt.strftime("dt=%Y-%m-%d") == rows["key"].str.split("/").str[2]).all()


def test_archived_columns_are_those_of_the_spec(archive):
    assert set(FEATURES) < set(PREDICTIONS.names)
    assert list(read(archive, "flights/predictions/").columns) == [*PREDICTIONS.names, "key"]


def test_labels_come_one_to_three_days_after_the_flight_and_not_after_the_last_day(archive):
    rows = read(archive, "flights/labels/")
    flown = pd.to_datetime(rows["prediction_id"].str[:10])
    delivered = pd.to_datetime(rows["key"].str[len("flights/labels/dt=") :].str[:10])

    assert set((delivered - flown).dt.days) == {1, 2, 3}
    assert delivered.max() == pd.Timestamp(LAST)
    assert rows["prediction_id"].is_unique


def test_delivery_delays_keep_their_shares(served):
    delays = pd.Series(delivery_delay(served.reference["prediction_id"]))

    shares = delays.value_counts(normalize=True)

    assert shares[1] == pytest.approx(0.6, abs=0.01)
    assert shares[2] == pytest.approx(0.3, abs=0.01)
    assert shares[3] == pytest.approx(0.1, abs=0.01)


def test_flights_that_never_arrive_have_an_outcome_and_no_label(archive):
    rows = read(archive, "flights/labels/", "flights/reference/")

    assert (rows["late"].isna() == rows["outcome"].isin(["cancelled", "diverted"])).all()
    assert set(rows["outcome"]) == {"arrived", "cancelled", "diverted"}


def test_reference_is_january_and_february_with_labels(archive):
    rows = read(archive, "flights/reference/")

    assert len(rows) == 51_955
    assert rows["late"].astype("boolean").mean() == pytest.approx(0.236, abs=0.001)
    assert rows["event_time"].max() < pd.Timestamp("2013-03-01", tz="UTC")


def test_predicted_class_follows_the_threshold_and_the_base_rate(served):
    rows = served.reference

    assert (rows["predicted"] == (rows["score"] >= THRESHOLD)).all()
    assert rows["predicted"].mean() == pytest.approx(0.236, abs=0.02)


def test_mean_score_is_alerting_in_the_storm(served):
    means = served.archive.groupby(served.archive["date"].dt.day)["score"].mean()

    assert means.idxmax() == 8
    assert means[8] > 0.33
    assert means[9] < 0.22


def test_archive_has_the_same_bytes_in_every_run(archive):
    again = dict(objects(serve(read_flights(FIRST, LAST)), LAST))

    assert again == archive

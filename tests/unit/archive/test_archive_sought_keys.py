"""Keys of a delivery among those of predictions: what is found is what a comparison of all texts finds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.archive.sought_keys import SoughtKeys
from airflow_mlmon.profiles.engine.hash_index import order_of

ALPHABET = ("", "a", "ä", "id-7", "x" * 40, "00000000000000000000000000000017")


def drawn(rows: int, many: int, seed: int) -> pa.ChunkedArray:
    numbers = np.random.default_rng(seed).integers(0, many, rows)
    return pa.chunked_array([pa.array([f"{ALPHABET[n % len(ALPHABET)]}{n}" for n in numbers.tolist()], pa.string())])


@pytest.mark.parametrize(
    ("delivered", "predicted", "many"), [(0, 5, 9), (7, 0, 9), (300, 2000, 100), (2000, 300, 5000)]
)
def test_pairs_are_those_of_equal_texts_and_the_first_of_equal_keys_counts(delivered, predicted, many):
    keys, predictions = drawn(delivered, many, 1), drawn(predicted, many, 2)
    sought = SoughtKeys(keys)

    found = sought.find(predictions)

    places = pc.index_in(predictions, keys.combine_chunks())
    assert found.positions.tolist() == np.flatnonzero(places.is_valid()).tolist()
    assert found.rows.tolist() == places.drop_null().to_pylist()
    assert sought.mark(found.rows).tolist() == pc.is_in(keys, predictions.combine_chunks()).to_pylist()


@pytest.mark.parametrize("left_out", [0, 0.02, 0.5, 1], ids=["none", "some", "half", "all"])
def test_pairs_of_keys_in_the_order_of_predictions_are_those_of_equal_texts(left_out):
    generator = np.random.default_rng(3)
    ids = np.arange(3000)
    predictions, delivered = (ids[generator.random(3000) >= left_out].astype(str) for _ in range(2))
    # some are elsewhere in the delivery, and some foreign to it
    delivered = np.concatenate([delivered[40:], delivered[:40]])
    predictions[90:130] = [f"other {number}" for number in range(len(predictions[90:130]))]
    keys, asked = (pa.chunked_array([pa.array(texts.tolist(), pa.string())]) for texts in (delivered, predictions))

    found = SoughtKeys(keys).find(asked)

    places = pc.index_in(asked, keys.combine_chunks())
    assert found.positions.tolist() == np.flatnonzero(places.is_valid()).tolist()
    assert found.rows.tolist() == places.drop_null().to_pylist()


def test_a_prediction_without_a_key_has_no_label():
    predictions = pa.chunked_array([[None, "b"], [None, "a", None]], pa.string())

    found = SoughtKeys(pa.chunked_array([["a", ""], ["b"]])).find(predictions)

    assert (found.positions.tolist(), found.rows.tolist()) == ([1, 3], [2, 0])


@pytest.mark.parametrize("highest", [2**63 - 1, 2**11, 0], ids=["apart", "close", "equal"])
def test_hashes_are_put_in_order_however_close_they_are(highest):
    hashes = np.random.default_rng(4).integers(0, highest, 5000, endpoint=True)

    order = order_of(hashes)

    assert sorted(order.tolist()) == list(range(5000))
    assert hashes[order].tolist() == sorted(hashes.tolist())

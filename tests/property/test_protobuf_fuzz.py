"""Whatever bytes a topic holds, they become rows or one row with a reason; nothing else fails."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_mlmon.archive.envelopes.protobuf import read_message
from tests.support.envelopes import predictions, refused, to_lines, unpack
from tests.support.open_inference import infer_request, infer_response

SPEC = predictions("seldon")


def tensor(name: str, datatype: str, **contents: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1, 1], "datatype": datatype, "contents": contents}


REQUEST = infer_request(
    model_name="churn",
    id="x",
    parameters=[{"key": "k", "value": {"bool_param": True}}],
    inputs=[
        tensor("age", "INT64", int64_contents=[41]),
        tensor("amount", "FP32", fp32_contents=[0.5]),
        tensor("country", "BYTES", bytes_contents=[b"PL"]),
    ],
)
RESPONSE = infer_response(outputs=[tensor("score", "FP64", fp64_contents=[0.9])])
RAW = infer_response(
    outputs=[{"name": "score", "shape": [1], "datatype": "FP32"}], raw_output_contents=[b"\x00\x00\x00\x3f"]
)


def change(message: bytes, changes: list[tuple[int, int]], end: int) -> bytes:
    changed = bytearray(message)
    for position, byte in changes:
        changed[position % len(changed)] = byte
    return bytes(changed[: len(changed) - end])


CHANGES = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=4)
DAMAGED = st.builds(change, st.sampled_from([REQUEST, RESPONSE, RAW]), CHANGES, st.integers(0, 3))


# a number where the text of a tensor is expected
@example(message=b"*\x11\n\x01a\x12\x05BYTES\x1a\x01\x01*\x02@\x01")
@example(message=b"*")
@settings(max_examples=400)
@given(message=DAMAGED | st.binary(max_size=40).map(lambda own: b"*" + own))
def test_any_bytes_are_a_message_or_none(message):
    found = read_message(message)

    assert found is None or found.keys() == {"outputs"}


@settings(max_examples=60)
@given(request=DAMAGED, response=DAMAGED)
def test_any_messages_are_rows_or_one_refused_request(request, response):
    bodies = {"odd": (request, response), "sound": (REQUEST, RESPONSE)}
    files = {
        f"t.{direction}/0.jsonl": to_lines(
            *(
                {"key": key, "value": base64.b64encode(both[way]).decode(), "timestamp": 1}
                for key, both in bodies.items()
            )
        )
        for way, direction in enumerate(("inputs", "outputs"))
    }

    with TemporaryDirectory() as folder:
        rows = unpack(SPEC, files, Path(folder))

    assert [row["id"] for row in rows if row["id"] == "sound"] == ["sound"]
    assert "sound" not in refused(rows)
    assert any(str(row["id"]).startswith("odd") for row in rows)


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(width=64), st.text()), min_size=1, max_size=5))
def test_values_come_back_as_they_were_written(rows):
    integers, floats, texts = zip(*rows, strict=True)
    shape = [len(rows), 1]
    packed = [text.encode() for text in texts]
    tensors = [
        {"name": "i", "shape": shape, "datatype": "INT64", "contents": {"int64_contents": integers}},
        {"name": "f", "shape": shape, "datatype": "FP64", "contents": {"fp64_contents": floats}},
        {"name": "t", "shape": shape, "datatype": "BYTES", "contents": {"bytes_contents": packed}},
    ]

    message = read_message(infer_request(inputs=tensors))

    assert message is not None
    found = [own["data"] for own in message["outputs"]]
    assert [int(own) for own in found[0]] == list(integers)
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(map(float, found[1]), floats, strict=True))
    assert found[2] == list(texts)

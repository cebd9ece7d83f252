"""Descriptions of the records that serving systems write.

A field of ours is found at one of several paths in a record, the first that has a value. `BODY` stands for the whole
record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

BODY = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Records of one serving system.

    Attributes:
        fields: Paths of each field of ours: id, time, status, sampling_fraction, and data, encoding and type of the
            bodies of request and response; where these are records of their own, those of `body`, its `kind`,
            and its `scope`: what is paired within one part of the service, or one topic but for its last name.
        own: Further fields, which a column of the same name takes.
        is_nested: Whether a body may be JSON instead of a text with JSON.
        topic: Pattern of the topic in the path of a file, for a sink that writes it nowhere else.
    """

    fields: Mapping[str, tuple[str, ...]]
    own: frozenset[str] = field(default_factory=frozenset)
    is_nested: bool = False
    topic: re.Pattern[str] | None = None

    @property
    def is_paired(self) -> bool:
        """Whether request and response are records of their own."""
        return "body_data" in self.fields


SAGEMAKER = System(
    fields={
        "id": ("eventMetadata.inferenceId", "eventMetadata.eventId"),
        "time": ("eventMetadata.inferenceTime",),
        "request_data": ("captureData.endpointInput.data",),
        "request_encoding": ("captureData.endpointInput.encoding",),
        "request_type": ("captureData.endpointInput.observedContentType",),
        "response_data": ("captureData.endpointOutput.data",),
        "response_encoding": ("captureData.endpointOutput.encoding",),
        "response_type": ("captureData.endpointOutput.observedContentType",),
    },
)

GROUND_TRUTH = System(
    fields={
        "id": ("eventMetadata.eventId",),
        "request_data": ("groundTruthData.data",),
        "request_encoding": ("groundTruthData.encoding",),
    },
)

KSERVE = System(
    fields={
        "id": ("id",),
        "time": ("occurrenceTime", "time"),
        "kind": ("reqType", "type"),
        "scope": ("component",),
        # without contentType: that of a response is copied from its request
        "body_data": ("bytes", "data", "data_base64"),
    },
    own=frozenset({"inferenceService", "namespace", "component", "endpoint"}),
)

SELDON = System(
    fields={
        "id": ("key", "requestid", "x-request-id", "ce-requestid", "id", "value.id"),
        "time": ("time", "timestamp", "ce-time"),
        "kind": ("topic", "type", "ce-type"),
        "scope": ("topic",),
        "body_data": ("value", "data", "data_base64", "payload", BODY),
    },
    own=frozenset({"inferenceservicename", "namespace", "endpoint", "topic"}),
    is_nested=True,
    topic=re.compile(r"[^/]+\.(?:inputs|outputs)(?![a-z])"),
)

AZUREML = System(
    fields={
        "id": ("correlationid", "xrequestid", "id"),
        "time": ("time",),
        "kind": ("type",),
        "body_data": ("data",),
    },
    own=frozenset({"modelversion", "source", "collectdatatype"}),
    is_nested=True,
)

DATABRICKS = System(
    fields={
        "id": ("client_request_id", "databricks_request_id", "invocation_id"),
        "time": ("request_time", "timestamp_ms", "event_time"),
        "status": ("status_code",),
        "sampling_fraction": ("sampling_fraction",),
        "request_data": ("request",),
        "response_data": ("response",),
    },
    own=frozenset(
        {
            "date",
            "execution_duration_ms",
            "execution_time_ms",
            "latency_ms",
            "logging_error_codes",
            "request_date",
            "requester",
            "sampling_fraction",
            "served_entity_id",
            "status_code",
        }
    ),
)

SYSTEMS: Mapping[str, System] = {
    "sagemaker": SAGEMAKER,
    "kserve": KSERVE,
    "seldon": SELDON,
    "azureml": AZUREML,
    "databricks": DATABRICKS,
}

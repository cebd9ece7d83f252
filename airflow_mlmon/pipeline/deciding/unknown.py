"""Columns of which the reference has no value, in the evidence of a day."""

from __future__ import annotations

from dataclasses import replace

from airflow_mlmon.evaluation.evaluate import PartitionEvidence
from airflow_mlmon.pipeline.workspace.reference import StoredReference
from airflow_mlmon.spec.metrics import NULL_RATE


def without_unknown(evidence: PartitionEvidence, reference: StoredReference) -> PartitionEvidence:
    """Leave the reference out of the null rates of the columns of which it has no value: they were not archived yet."""
    unknown = {(NULL_RATE, name, None) for name in reference.unknown}
    known = {key: base for key, base in evidence.base.items() if key not in unknown}
    past = {
        key: [point for point in points if key not in unknown or point[0] not in reference.days]
        for key, points in evidence.past.items()
    }
    return replace(evidence, base=known, past=past)

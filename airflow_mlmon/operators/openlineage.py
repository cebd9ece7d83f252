"""Facets of a step for OpenLineage, in the classes of its Airflow provider; the only door to `openlineage`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.openlineage.extractors import OperatorLineage
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    dataset_version_dataset,
    output_statistics_output_dataset,
    schema_dataset,
    test_run,
)

from airflow_mlmon.lineage import AssertionFacts, Data, DatasetFacts
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.datasets import describe_assertions, describe_data
from airflow_mlmon.pipeline.run import Run

_STATUS = {True: "pass", False: "fail", None: "skip"}


def describe_lineage(
    run: Run, partition: Partition, version: str | None, *, reads: Sequence[Data], writes: Sequence[Data]
) -> OperatorLineage[Any, Any]:
    """Describe what a step has read and written.

    Args:
        run: the model.
        partition: the day.
        version: content of its curated rows; None if there is none.
        reads: data that the step reads.
        writes: data that it writes; with the results come the checks and verdicts of the day.
    """
    found = describe_assertions(run, partition) if Data.RESULTS in writes else []
    inputs = [_input(one, found) for kind in reads for one in describe_data(run, partition, kind, version)]
    outputs = [_output(one) for kind in writes for one in describe_data(run, partition, kind, version)]
    return OperatorLineage(
        inputs=inputs,
        outputs=outputs,
        run_facets={"test": test_run.TestRunFacet(tests=[_execution(one) for one in found])} if found else {},
    )


def _input(facts: DatasetFacts, found: Sequence[AssertionFacts]) -> InputDataset:
    facets: dict[str, InputDatasetFacet] = {}
    if facts.rows is not None or facts.files is not None:
        facets["dataQualityMetrics"] = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            columnMetrics={
                name: data_quality_metrics_input_dataset.ColumnMetrics(
                    nullCount=column.nulls, distinctCount=column.distinct, min=column.low, max=column.high
                )
                for name, column in facts.columns.items()
                if column.nulls is not None
            },
            rowCount=facts.rows,
            bytes=facts.size,
            fileCount=facts.files,
        )
    if facts.columns and found:
        # that of the spec's columns is the set that checks and verdicts are about
        facets["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=[_assertion(one) for one in found if one.passed is not None]
        )
    return InputDataset(namespace=facts.namespace, name=facts.name, facets=_dataset_facets(facts), inputFacets=facets)


def _output(facts: DatasetFacts) -> OutputDataset:
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=facts.rows, size=facts.size, fileCount=facts.files
    )
    is_counted = facts.rows is not None
    return OutputDataset(
        namespace=facts.namespace,
        name=facts.name,
        facets=_dataset_facets(facts),
        outputFacets={"outputStatistics": statistics} if is_counted else {},
    )


def _dataset_facets(facts: DatasetFacts) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {}
    if facts.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=facts.version)
    if facts.columns:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(name=name, type=column.type)
            for name, column in facts.columns.items()
        ]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
    return facets


def _assertion(one: AssertionFacts) -> data_quality_assertions_dataset.Assertion:
    return data_quality_assertions_dataset.Assertion(
        assertion=one.kind,
        success=bool(one.passed),
        column=one.column,
        severity=_severity(one),
        name=one.name,
        expected=one.expected or None,
        actual=one.actual or None,
    )


def _execution(one: AssertionFacts) -> test_run.TestExecution:
    return test_run.TestExecution(
        name=one.name,
        status=_STATUS[one.passed],
        severity=_severity(one),
        type=one.kind,
        expected=one.expected or None,
        actual=one.actual or None,
    )


def _severity(one: AssertionFacts) -> str:
    return "error" if one.is_blocking else "warn"

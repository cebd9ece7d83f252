"""Spec section `shards`: division of a day whose files are too many for one machine."""

from __future__ import annotations

from pydantic import Field

from airflow_mlmon.spec.section import Section


class Shards(Section):
    """Division of the files of a day, each part of which Airflow curates in a task of its own."""

    megabytes: float = Field(
        default=2_000,
        gt=0,
        description="Bytes of the files of one part, in millions; a file is never divided. Each part is a task that "
        "any worker runs, and its results are added up: they are those of a day that is not divided.",
    )


def check_shards(shards: Shards | None, log: str | None) -> None:
    """Check that the rows of a file do not depend on other files.

    Raises:
        ValueError: they do.
    """
    if shards is not None and log is not None:
        raise ValueError(
            "shards: files of a `log` cannot be divided, as a response may lie in another than its request"
        )

"""Closed vocabularies: columns of whose values later days bring no others, by the days of the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import Kind, ProfileSchema
from airflow_mlmon.statistics.unseen import FEWEST_DAYS, is_closed


def explain_open(schema: ProfileSchema, days: Sequence[Profile]) -> dict[str, str]:
    """Return why the vocabulary of each category is not closed; an empty text for one that is.

    By Good and Turing's estimate a new day brings as many new values as there are values seen on one day alone, divided
    by the number of days.
    """
    return {
        column.name: _reason(
            [profile for day in days if isinstance(profile := day.columns[column.name], CategoryProfile)]
        )
        for column in schema.columns
        if column.kind is Kind.CATEGORY
    }


def _reason(days: Sequence[CategoryProfile]) -> str:
    observed = [day for day in days if day.observed]
    if len(observed) < FEWEST_DAYS:
        return f"its values are known of {len(observed)} days, fewer than {FEWEST_DAYS}"
    if any(day.unseen_rows for day in observed):
        return f"more values than the {len(observed[0].schema.vocabulary):,} that are counted one by one"
    seen = np.zeros(len(observed[0].schema.vocabulary), dtype=np.int64)
    for day in observed:
        seen[day.known.keys] += 1
    if not is_closed(once := int((seen == 1).sum()), len(observed)):
        return f"open vocabulary: {once:,} of {len(seen):,} values occur on one day alone"
    return ""

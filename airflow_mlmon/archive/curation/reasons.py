"""Reasons for which rows are quarantined, as they are written and told apart again."""

from __future__ import annotations

OUTSIDE = "is outside the day"
DUPLICATE = "is a duplicate"
ACCEPTED_BEFORE = "the prediction id was already accepted"
EMPTY = "is empty"
LISTED_TWICE = "an error is listed twice"

"""Features of the form of texts: length, pattern, and damage by a wrong encoding.

Of large days a fixed share of the texts is measured, chosen by their hash, the same in every table and file.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.characters import find_patterns
from airflow_mlmon.profiles.values.murmur import hash_texts
from airflow_mlmon.spec.forms import FormFeature

# UTF-8 that was read as Latin 1 or as Windows' code page 1252, and the character that replaces bytes which are no text
_CONTINUED = "".join({bytes([byte]).decode("cp1252", "ignore") for byte in range(0x80, 0xC0)}) + "\u0080-\u00bf"
_DAMAGE = f"\ufffd|[\u00c2-\u00c5\u00d0\u00d1][{_CONTINUED}]|\u00e2\u20ac"
_LONGEST_RUN = 3


def derive_forms(features: Collection[FormFeature], texts: pa.Array, every: int) -> dict[FormFeature, pa.Array]:
    """Derive features of texts; null stays null, and so do the texts that are not measured.

    Args:
        features: The features.
        texts: The texts.
        every: Number of distinct texts of which one is measured, a power of two.
    """
    if pa.types.is_dictionary(texts.type):
        texts = texts.cast(texts.type.value_type)
    if not pa.types.is_large_string(texts.type):
        # a column without a value may have no type
        texts = texts.cast(pa.string())
    held = texts.is_valid().to_numpy(zero_copy_only=False)
    known = texts.drop_null()
    if every > 1:
        is_measured = hash_texts(known) & np.uint64(every - 1) == 0
        held[held] = is_measured
        known = known.filter(pa.array(is_measured))
    found = _measure(features, known.cast(pa.string()))
    if held.all():
        return found
    places = np.cumsum(held) - 1
    taken = pa.array(places, mask=~held)
    return {feature: values.take(taken) for feature, values in found.items()}


def _measure(features: Collection[FormFeature], texts: pa.StringArray) -> dict[FormFeature, pa.Array]:
    found: dict[FormFeature, pa.Array] = {}
    if FormFeature.LENGTH in features:
        found[FormFeature.LENGTH] = pc.utf8_length(texts)
    if FormFeature.PATTERN in features:
        found[FormFeature.PATTERN] = find_patterns(texts, _LONGEST_RUN)
    if FormFeature.SHAPE in features:
        # numbers count upwards, and those of a date have one digit or two
        alike = pc.replace_substring_regex(texts, "[0-9]+", "0")
        found[FormFeature.SHAPE] = find_patterns(alike, _LONGEST_RUN)
    if FormFeature.DAMAGED in features:
        found[FormFeature.DAMAGED] = pc.match_substring_regex(texts, _DAMAGE)
    return found

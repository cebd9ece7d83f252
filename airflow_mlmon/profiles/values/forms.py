"""Features of the form of texts: length, pattern, and damage by a wrong encoding.

Of large days a fixed share of the texts is measured, chosen by their hash, the same in every table and file.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import is_ascii, to_flag_array, to_number_array, to_numpy, to_offsets
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
    held = to_numpy(texts.is_valid())
    known = texts.drop_null()
    if every > 1:
        is_measured = hash_texts(known) & np.uint64(every - 1) == 0
        held[held] = is_measured
        known = known.take(to_number_array(np.flatnonzero(is_measured)))
    found = _measure(features, known.cast(pa.string()))
    if held.all():
        return found
    places, validity = np.flatnonzero(held), pa.py_buffer(np.packbits(held, bitorder="little"))
    return {feature: _spread(values, places, validity, len(held)) for feature, values in found.items()}


def _measure(features: Collection[FormFeature], texts: pa.StringArray) -> dict[FormFeature, pa.Array]:
    found: dict[FormFeature, pa.Array] = {}
    if FormFeature.LENGTH in features:
        found[FormFeature.LENGTH] = pc.binary_length(texts) if is_ascii(texts) else pc.utf8_length(texts)
    if FormFeature.PATTERN in features:
        found[FormFeature.PATTERN] = find_patterns(texts, _LONGEST_RUN)
    if FormFeature.SHAPE in features:
        # numbers count upwards, and those of a date have one digit or two
        found[FormFeature.SHAPE] = find_patterns(texts, _LONGEST_RUN, numbers_alike=True)
    if FormFeature.DAMAGED in features:
        found[FormFeature.DAMAGED] = _find_damage(texts)
    return found


def _find_damage(texts: pa.StringArray) -> pa.Array:
    if is_ascii(texts):
        return to_flag_array(np.zeros(len(texts), dtype=np.bool_))
    return pc.match_substring_regex(texts, _DAMAGE)


def _spread(values: pa.Array, places: npt.NDArray[np.intp], validity: pa.Buffer, rows: int) -> pa.Array:
    """Put values without nulls at their places among rows, of which the others are null."""
    if pa.types.is_boolean(values.type):
        return _spread(values.cast(pa.int8()), places, validity, rows).cast(pa.bool_())
    if pa.types.is_string(values.type):
        bounds = to_offsets(values)
        lengths = np.zeros(rows, dtype=np.int32)
        lengths[places] = np.diff(bounds)
        offsets = np.full(rows + 1, bounds[0], dtype=np.int32)
        offsets[1:] += np.cumsum(lengths, dtype=np.int32)
        return pa.Array.from_buffers(values.type, rows, [validity, pa.py_buffer(offsets), values.buffers()[2]])
    spread = np.zeros(rows, dtype=values.type.to_pandas_dtype())
    spread[places] = to_numpy(values)
    return pa.Array.from_buffers(values.type, rows, [validity, pa.py_buffer(spread)])

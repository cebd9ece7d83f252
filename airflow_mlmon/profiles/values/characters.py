"""Features of texts, from their characters.

Texts are read as code points, in blocks of some megabytes. Each character has a shape: `A` for an upper-case letter,
`a` for any other letter, `9` for a digit, a space, the character itself if it is ASCII punctuation, or `*`. The
pattern of a text is its shapes, of which the fourth and later of a run and those after the first 12 are cut.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import is_ascii, to_bytes, to_flag_array, to_number_array, to_text_array
from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.spec.texts import TextFeature

_Bytes = npt.NDArray[np.uint8]
_Flags = npt.NDArray[np.bool_]
_Places = npt.NDArray[np.int64]

_BLOCK = 1 << 22
_RUN = 3
_LONGEST_PATTERN = 12
_CUT = "…"
_UPPER, _LOWER, _DIGIT, _SPACE, _OTHER = b"Aa9 *"
_CODE_POINTS = 0x110000
_ASCII = 0x80


def measure_texts(texts: pa.ChunkedArray) -> dict[TextFeature, pa.ChunkedArray]:
    """Derive every feature but matches; null stays null.

    An empty text has no shares and no pattern. Bytes that are not UTF-8 count as the replacement character.
    """
    blocks = [_measure(block) for chunk in texts.chunks for block in _blocks(chunk)] or [_measure(to_text_array(()))]
    return {feature: pa.chunked_array([block[feature] for block in blocks]) for feature in blocks[0]}


def find_patterns(texts: pa.StringArray, longest_run: int, *, numbers_alike: bool = False) -> pa.Array:
    """Return the pattern of texts without nulls, with runs cut to `longest_run`.

    Args:
        texts: The texts.
        longest_run: Longest run of a shape.
        numbers_alike: Whether a run of the digits 0 to 9 counts as one digit.
    """
    found = [_find_patterns(block, longest_run, numbers_alike=numbers_alike) for block in _blocks(texts)]
    return pa.concat_arrays([to_text_array(()), *found])


def _find_patterns(texts: pa.StringArray, longest_run: int, *, numbers_alike: bool) -> pa.StringArray:
    if not is_ascii(texts):
        # other scripts have digits too, which keep their runs
        alike = pc.replace_substring_regex(texts, "[0-9]+", "0") if numbers_alike else texts
        shapes, _, bounds = _read_characters(alike)
        return _patterns(shapes, bounds, longest_run)
    if kernels:
        return _patterns_by_kernel(kernels, texts, longest_run, 1 if numbers_alike else longest_run)
    shapes, _, bounds = _read_characters(texts)
    if numbers_alike:
        is_repeated = np.zeros(len(shapes), dtype=np.bool_)
        is_repeated[1:] = (shapes[1:] == shapes[:-1]) & (shapes[1:] == _DIGIT)
        firsts = bounds[:-1]
        is_repeated[firsts[firsts < len(shapes)]] = False
        shapes, bounds = shapes[~is_repeated], _cumulated(~is_repeated)[bounds]
    return _patterns(shapes, bounds, longest_run)


def _patterns_by_kernel(
    compiled: ModuleType, texts: pa.StringArray, longest_run: int, longest_number: int
) -> pa.StringArray:
    content = np.empty(len(texts) * _LONGEST_PATTERN, dtype=np.uint8)
    lengths, is_cut = np.empty(len(texts), dtype=np.uint8), np.empty(len(texts), dtype=np.uint8)
    _, offsets, data = texts.buffers()
    compiled.find_patterns(
        offsets, texts.offset, len(texts), data or b"", _ascii_shapes(), longest_run, longest_number, _LONGEST_PATTERN,
        content, lengths, is_cut,
    )  # fmt: skip
    return _to_patterns(content, lengths, is_cut.view(np.bool_))


def _to_patterns(content: _Bytes, lengths: npt.NDArray[np.integer], is_cut: _Flags) -> pa.StringArray:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    patterns = pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(content))
    if not is_cut.any():
        return patterns
    return pc.binary_join_element_wise(patterns, pc.if_else(to_flag_array(is_cut), _CUT, ""), "")


def _blocks(texts: pa.StringArray) -> Iterator[pa.StringArray]:
    """Yield slices of some megabytes, or of one text."""
    if not len(texts):
        return
    offsets = _offsets(texts)
    start = 0
    while start < len(texts):
        stop = int(np.searchsorted(offsets, offsets[start] + _BLOCK, side="right")) - 1
        stop = min(max(stop, start + 1), start + _BLOCK, len(texts))
        yield texts.slice(start, stop - start)
        start = stop


def _offsets(texts: pa.StringArray) -> _Places:
    found = np.frombuffer(texts.buffers()[1], dtype=np.int32, count=len(texts) + 1, offset=4 * texts.offset)
    return found.astype(np.int64)


def _measure(texts: pa.StringArray) -> dict[TextFeature, pa.Array]:
    """Derive everything but matches from the texts of a block."""
    nulls = texts.is_null()
    shapes, is_wide, bounds = _read_characters(texts.fill_null(""))
    lengths = np.diff(bounds)
    is_upper = shapes == _UPPER
    masks = {
        TextFeature.LETTERS: is_upper | (shapes == _LOWER),
        TextFeature.DIGITS: shapes == _DIGIT,
        TextFeature.UPPER: is_upper,
        TextFeature.NON_ASCII: is_wide,
    }
    is_absent = lengths == 0
    words = _count(_word_starts(shapes, bounds), bounds)
    shares = {
        feature: pc.if_else(
            to_flag_array(is_absent),
            pa.scalar(None, pa.float64()),
            to_number_array(_count(mask, bounds) / np.maximum(lengths, 1)),
        )
        for feature, mask in masks.items()
    }
    derived = {
        TextFeature.LENGTH: to_number_array(lengths),
        TextFeature.WORDS: to_number_array(words),
        **shares,
        TextFeature.PATTERN: pc.if_else(
            to_flag_array(is_absent), pa.scalar(None, pa.string()), _patterns(shapes, bounds)
        ),
        TextFeature.EMPTY: to_flag_array(words == 0),
    }
    if not texts.null_count:
        return derived
    return {feature: pc.if_else(nulls, pa.scalar(None, values.type), values) for feature, values in derived.items()}


def _read_characters(texts: pa.StringArray) -> tuple[_Bytes, _Flags, _Places]:
    """Return the shape of each character, whether it is outside ASCII, and the bounds of the texts."""
    offsets = _offsets(texts)
    data = to_bytes(texts)
    bounds = offsets - offsets[0]
    if not (data >= _ASCII).any():
        return _ascii_shapes()[data], np.zeros(len(data), dtype=np.bool_), bounds
    try:
        decoded = data.tobytes().decode("utf-8", "surrogatepass")
        bounds = _cumulated((data & 0xC0) != _ASCII)[bounds]
    except UnicodeDecodeError:
        parts = [
            data[start:stop].tobytes().decode("utf-8", "replace")
            for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        ]
        decoded = "".join(parts)
        bounds = np.cumsum([0, *map(len, parts)])
    codes = np.frombuffer(decoded.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return _unicode_shapes()[codes], codes >= _ASCII, bounds


@cache
def _ascii_shapes() -> _Bytes:
    return np.frombuffer(bytes(map(_shape_of, range(_ASCII))), dtype=np.uint8)


@cache
def _unicode_shapes() -> _Bytes:
    return np.frombuffer(bytes(map(_shape_of, range(_CODE_POINTS))), dtype=np.uint8)


def _shape_of(code: int) -> int:
    character = chr(code)
    category = unicodedata.category(character)
    if category in {"Lu", "Lt"}:
        return _UPPER
    if category[0] in "LM":
        return _LOWER
    if category[0] == "N":
        return _DIGIT
    if category[0] == "Z" or character in "\t\n\v\f\r":
        return _SPACE
    return code if code < _ASCII and category[0] in "PS" else _OTHER


def _cumulated(mask: _Flags) -> _Places:
    total = np.zeros(len(mask) + 1, dtype=np.int64)
    np.cumsum(mask, out=total[1:])
    return total


def _count(mask: _Flags, bounds: _Places) -> _Places:
    """Count the marked characters of each text."""
    return np.diff(_cumulated(mask)[bounds])


def _word_starts(shapes: _Bytes, bounds: _Places) -> _Flags:
    is_word = shapes != _SPACE
    starts: _Flags = is_word.copy()
    starts[1:] &= ~is_word[:-1]
    firsts = bounds[:-1][np.diff(bounds) > 0]
    starts[firsts] = is_word[firsts]
    return starts


def _patterns(shapes: _Bytes, bounds: _Places, longest_run: int = _RUN) -> pa.StringArray:
    is_kept = np.ones(len(shapes), dtype=np.bool_)
    is_same = shapes[1:] == shapes[:-1]
    if len(shapes) > longest_run:
        parts = (is_same[place : len(is_same) - longest_run + 1 + place] for place in range(longest_run))
        is_kept[longest_run:] = ~np.logical_and.reduce(list(parts))
    for place in range(longest_run):
        # a run does not begin in the text before
        firsts = bounds[:-1] + place
        is_kept[firsts[firsts < len(shapes)]] = True
    kept, starts = shapes[is_kept], _cumulated(is_kept)[bounds]
    lengths = np.diff(starts)
    cut = np.minimum(lengths, _LONGEST_PATTERN)
    places = starts[:-1, np.newaxis] + np.arange(_LONGEST_PATTERN)
    content = kept[places[np.arange(_LONGEST_PATTERN) < cut[:, np.newaxis]]]
    return _to_patterns(content, cut, lengths > cut)

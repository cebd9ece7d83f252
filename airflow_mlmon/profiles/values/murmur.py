"""MurmurHash3 of many texts at once: the hash that theta sketches use.

The 128-bit variant for 64-bit machines, with the seed of the datasketches library. A sketch keeps only the
smallest hashes, so hashing beforehand spares it the texts that it would not keep.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.profiles.values.arrow import to_bytes, to_offsets
from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.statistics.arrays import Integers

Hashes = npt.NDArray[np.uint64]

_SEED = 9001
_FIRST = np.uint64(0x87C37B91114253D5)
_SECOND = np.uint64(0x4CF5AD432745937F)
_FACTORS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_ONE = np.uint64(1)
_BLOCK_BYTES = 16
_WORD_BYTES = 8
# masks of the two words with the last bytes of a text, by the number of these bytes
_MASKS = tuple((1 << 8 * kept) - 1 for kept in range(_WORD_BYTES + 1))
_FIRST_MASKS = np.array([_MASKS[min(rest, _WORD_BYTES)] for rest in range(_BLOCK_BYTES)], dtype=np.uint64)
_SECOND_MASKS = np.array([_MASKS[max(rest - _WORD_BYTES, 0)] for rest in range(_BLOCK_BYTES)], dtype=np.uint64)


def hash_texts(texts: pa.Array) -> Hashes:
    """Compute the upper 63 of the first 64 bits of each text's hash, as a theta sketch has them.

    Args:
        texts: Strings without nulls.

    >>> [int(hash) for hash in hash_texts(pa.array(["a"]))]
    [8863373810831573271]
    """
    if kernels and len(texts):
        return _hash_by_kernel(kernels, texts)
    starts, lengths, words = _schema(texts)
    blocks = lengths >> 4
    first = np.full(len(texts), _SEED, dtype=np.uint64)
    second = first.copy()
    for block in range(int(blocks.max(initial=0))):
        held = np.flatnonzero(blocks > block)
        one, two = _load(words, starts[held] + block * _BLOCK_BYTES)
        first[held], second[held] = _mix_block(first[held], second[held], one, two)
    rest = lengths & (_BLOCK_BYTES - 1)
    one, two = _load(words, starts + (lengths - rest))
    one &= _FIRST_MASKS[rest]
    two &= _SECOND_MASKS[rest]
    first ^= _scramble_first(one)
    second ^= _scramble_second(two)
    return _finish(first, second, lengths.view(np.uint64))


def _hash_by_kernel(compiled: ModuleType, texts: pa.Array) -> Hashes:
    _, offsets, content = texts.buffers()
    hashes: Hashes = np.empty(len(texts), dtype=np.uint64)
    compiled.hash_texts(offsets, to_offsets(texts).itemsize, texts.offset, len(texts), content or b"", hashes)
    return hashes


def _schema(texts: pa.Array) -> tuple[Integers, Integers, Hashes]:
    """Return the start and the length of each text, and all bytes as words with some padding."""
    offsets, content = to_offsets(texts).astype(np.int64), to_bytes(texts)
    padded = np.zeros(len(content) // _WORD_BYTES * _WORD_BYTES + 5 * _WORD_BYTES, dtype=np.uint8)
    padded[: len(content)] = content
    return offsets[:-1] - offsets[0], np.diff(offsets), padded.view("<u8").astype(np.uint64, copy=False)


def _load(words: Hashes, at: Integers) -> tuple[Hashes, Hashes]:
    """Load the sixteen bytes from each position, aligned or not, as two words."""
    place = at >> 3
    shift = ((at & 7) << 3).view(np.uint64)
    # two shifts, because a word cannot be shifted by all of its 64 bits
    back = np.uint64(63) - shift
    middle = words[place + 1]
    first, second = words[place] >> shift, middle >> shift
    first |= (middle << _ONE) << back
    second |= (words[place + 2] << _ONE) << back
    return first, second


def _mix_block(first: Hashes, second: Hashes, one: Hashes, two: Hashes) -> tuple[Hashes, Hashes]:
    first = _rotate(first ^ _scramble_first(one), 27) + second
    first = first * np.uint64(5) + np.uint64(0x52DCE729)
    second = _rotate(second ^ _scramble_second(two), 31) + first
    return first, second * np.uint64(5) + np.uint64(0x38495AB5)


def _scramble_first(word: Hashes) -> Hashes:
    word *= _FIRST
    word = _rotate(word, 31)
    word *= _SECOND
    return word


def _scramble_second(word: Hashes) -> Hashes:
    word *= _SECOND
    word = _rotate(word, 33)
    word *= _FIRST
    return word


def _finish(first: Hashes, second: Hashes, lengths: Hashes) -> Hashes:
    first ^= lengths
    second ^= lengths
    first += second
    second += first
    first = _avalanche(first)
    first += _avalanche(second)
    first >>= _ONE
    return first


def _avalanche(hashes: Hashes) -> Hashes:
    for factor in _FACTORS:
        hashes ^= hashes >> np.uint64(33)
        hashes *= factor
    hashes ^= hashes >> np.uint64(33)
    return hashes


def _rotate(hashes: Hashes, by: int) -> Hashes:
    rotated: Hashes = hashes << np.uint64(by)
    rotated |= hashes >> np.uint64(64 - by)
    return rotated

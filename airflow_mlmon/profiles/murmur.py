"""MurmurHash3 of many texts at once: the hash by which a theta sketch orders what it has seen.

The 128-bit variant for 64-bit machines, with the seed of the datasketches library. A sketch keeps the
smallest hashes only, so knowing them beforehand spares it the texts that it would not keep.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]

_SEED = 9001
_FIRST = np.uint64(0x87C37B91114253D5)
_SECOND = np.uint64(0x4CF5AD432745937F)
_BLOCK_BYTES = 16
_WORD_BYTES = 8


def hash_texts(texts: pa.Array) -> Hashes:
    """The upper 63 of the first 64 bits of each text's hash, as a theta sketch has them.

    Args:
        texts: Strings, none of them null.

    >>> [int(hash) for hash in hash_texts(pa.array(["a"]))]
    [8863373810831573271]
    """
    starts, lengths, words = _layout(texts)
    blocks = lengths // _BLOCK_BYTES
    first = np.full(len(texts), _SEED, dtype=np.uint64)
    second = first.copy()
    for block in range(int(blocks.max(initial=0))):
        held = np.flatnonzero(blocks > block)
        at = starts[held] + block * _BLOCK_BYTES
        first[held], second[held] = _mix_block(
            first[held], second[held], _load(words, at), _load(words, at + _WORD_BYTES)
        )
    at = starts + blocks * _BLOCK_BYTES
    rest = lengths - blocks * _BLOCK_BYTES
    first ^= _scramble_first(_cut(_load(words, at), rest))
    second ^= _scramble_second(_cut(_load(words, at + _WORD_BYTES), rest - _WORD_BYTES))
    return _finish(first, second, lengths.astype(np.uint64)) >> np.uint64(1)


def _layout(texts: pa.Array) -> tuple[Integers, Integers, Hashes]:
    """Where each text starts, its length, and the bytes of all as words with some to spare."""
    is_large = pa.types.is_large_string(texts.type) or pa.types.is_large_binary(texts.type)
    _, offsets_buffer, bytes_buffer = texts.buffers()
    dtype = np.dtype(np.int64 if is_large else np.int32)
    offsets = np.frombuffer(offsets_buffer, dtype, len(texts) + 1, texts.offset * dtype.itemsize).astype(np.int64)
    low, high = int(offsets[0]), int(offsets[-1])
    padded = np.zeros((high - low) // _WORD_BYTES * _WORD_BYTES + 4 * _WORD_BYTES, dtype=np.uint8)
    if high > low:
        padded[: high - low] = np.frombuffer(bytes_buffer, np.uint8, high - low, low)
    return offsets[:-1] - low, np.diff(offsets), padded.view("<u8").astype(np.uint64, copy=False)


def _load(words: Hashes, at: Integers) -> Hashes:
    """The eight bytes from each position on, which need not be aligned."""
    place = at >> 3
    shift = ((at & 7) << 3).astype(np.uint64)
    # Two shifts, because a word cannot be shifted by all of its 64 bits.
    loaded: Hashes = words[place] >> shift
    loaded |= (words[place + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    return loaded


def _cut(loaded: Hashes, kept: Integers) -> Hashes:
    """The first `kept` bytes of each word; all when there are more, none when negative."""
    bits = np.clip(kept, 0, _WORD_BYTES) << 3
    mask: Hashes = (np.uint64(1) << np.minimum(bits, 63).astype(np.uint64)) - np.uint64(1)
    mask[bits == _WORD_BYTES << 3] = ~np.uint64(0)
    mask &= loaded
    return mask


def _mix_block(first: Hashes, second: Hashes, one: Hashes, two: Hashes) -> tuple[Hashes, Hashes]:
    first = _rotate(first ^ _scramble_first(one), 27) + second
    first = first * np.uint64(5) + np.uint64(0x52DCE729)
    second = _rotate(second ^ _scramble_second(two), 31) + first
    return first, second * np.uint64(5) + np.uint64(0x38495AB5)


def _scramble_first(word: Hashes) -> Hashes:
    return _rotate(word * _FIRST, 31) * _SECOND


def _scramble_second(word: Hashes) -> Hashes:
    return _rotate(word * _SECOND, 33) * _FIRST


def _finish(first: Hashes, second: Hashes, lengths: Hashes) -> Hashes:
    first = first ^ lengths
    second = second ^ lengths
    first += second
    second += first
    return _avalanche(first) + _avalanche(second)


def _avalanche(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return hashes ^ (hashes >> np.uint64(33))


def _rotate(hashes: Hashes, by: int) -> Hashes:
    return (hashes << np.uint64(by)) | (hashes >> np.uint64(64 - by))

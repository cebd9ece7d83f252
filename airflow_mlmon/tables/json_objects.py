"""Objects of a JSON file that are not lines: of an array, spread over lines, or without anything between them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from airflow_mlmon.tables.damage import refuse_file

_OPEN, _CLOSE = b"{[", b"}]"
_Bytes = npt.NDArray[np.uint8]


def split_objects(chunks: Iterator[bytes], origin: str) -> Iterator[bytes]:
    """Rewrite the chunks of a file so that each object is a line: of an array, or objects in sequence.

    Raises:
        UnreadableFileError: the last object or array is not closed.
    """
    state = _Scan()
    for chunk in chunks:
        yield state.rewrite(chunk)
    if state.depth or state.is_text:
        raise refuse_file(origin, "is truncated: not all of its objects and arrays are closed")
    yield b"\n"


class _Scan:
    """State at the end of a chunk: inside a text, after a backslash, and how many brackets are open."""

    def __init__(self) -> None:
        self.is_text = False
        self.depth = 0
        self._is_escaped = False
        self._is_array: bool | None = None

    def rewrite(self, chunk: bytes) -> bytes:
        """Return the chunk with a line feed after each object, and none within."""
        if self._is_array is None:
            self._is_array = chunk.lstrip()[:1] == b"["
        found = np.frombuffer(chunk, np.uint8)
        inside = self._texts(found)
        level = int(self._is_array)
        step = np.zeros(len(found), np.int32)
        step[np.isin(found, list(_OPEN)) & ~inside] = 1
        step[np.isin(found, list(_CLOSE)) & ~inside] = -1
        depth = self.depth + np.cumsum(step, dtype=np.int32)
        before = depth - step
        self.depth = int(depth[-1])
        text = found.copy()
        text[((found == ord("\n")) | (found == ord("\r"))) & ~inside] = ord(" ")
        if self._is_array:
            # the brackets of the array, and the commas between its objects
            is_bracket = (found == ord("[")) | (found == ord("]"))
            outer = (is_bracket & (np.minimum(depth, before) < level)) | ((found == ord(",")) & (depth == level))
            text[outer & ~inside] = ord(" ")
        ends = np.flatnonzero((step == -1) & (depth == level))
        return np.insert(text, ends + 1, ord("\n")).tobytes()

    def _texts(self, found: _Bytes) -> npt.NDArray[np.bool_]:
        """Return which bytes are inside a text, its opening quote included."""
        quotes = found == ord('"')
        quotes &= ~self._escaped(found)
        opened = np.cumsum(quotes, dtype=np.int64) + int(self.is_text)
        inside = (opened & 1).astype(bool)
        self.is_text = bool(inside[-1])
        return inside

    def _escaped(self, found: _Bytes) -> npt.NDArray[np.bool_]:
        """Return which bytes follow an odd number of backslashes."""
        escaped = np.zeros(len(found), bool)
        places = np.flatnonzero(found == ord("\\"))
        was_escaped, self._is_escaped = self._is_escaped, False
        if was_escaped:
            escaped[0] = True
        if not len(places):
            return escaped
        starts = places[np.flatnonzero(np.diff(places, prepend=-2) != 1)]
        run = np.searchsorted(starts, places, side="right") - 1
        order = places - starts[run]
        if was_escaped and starts[0] == 0:
            # the first backslash is itself escaped
            order[run == 0] -= 1
        escaping = places[(order >= 0) & (order % 2 == 0)]
        if len(escaping) and escaping[-1] == len(found) - 1:
            self._is_escaped = True
            escaping = escaping[:-1]
        escaped[escaping + 1] = True
        return escaped

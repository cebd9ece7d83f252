"""Guesses whether a column is personal data, from its name and from the form of its values."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

_LOOKED_AT = 2_000
_SHARE = 0.5
_FORMS = {
    "e-mail addresses": r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$",
    "telephone numbers": r"^\+[0-9][0-9 ()/.\-]{6,}$|^\(?[0-9]{2,5}\)?[ /.\-][0-9]{3,}[ 0-9.\-]*$",
    "bank accounts": r"^[A-Z]{2}[0-9]{2}[ ]?([A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{1,4}$",
    "IP addresses": r"^([0-9]{1,3}\.){3}[0-9]{1,3}$|^([0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F:]{0,4}$",
    "payment cards": r"^([0-9]{4}[ \-]){3}[0-9]{4}$",
}
# a name that holds all the words of one of these
_NAMES = (
    ("email",), ("mail",), ("phone",), ("telephone",), ("mobile",), ("ssn",), ("iban",), ("passport",),
    ("firstname",), ("lastname",), ("surname",), ("fullname",), ("username",), ("first", "name"), ("last", "name"),
    ("full", "name"), ("user", "name"), ("customer", "name"), ("holder", "name"), ("birth",), ("birthday",),
    ("birthdate",), ("dob",), ("street",), ("address",), ("postcode",), ("zip",), ("zipcode",), ("ip",),
    ("customer", "id"), ("user", "id"), ("patient", "id"), ("person", "id"), ("license", "plate"), ("latitude",),
    ("longitude",),
)  # fmt: skip


def personal_reason(words: Sequence[str], values: pa.ChunkedArray) -> str:
    """Why a column seems to be personal, in words; empty where it does not.

    Args:
        words: the words of its name.
        values: its values in the sample.
    """
    # whether somebody has a telephone is no telephone
    if not pa.types.is_boolean(values.type) and any(set(name) <= set(words) for name in _NAMES):
        return "personal, by its name"
    texts = _texts(values)
    if len(texts):
        for form, pattern in _FORMS.items():
            if pc.mean(pc.match_substring_regex(texts, pattern).cast(pa.float64())).as_py() >= _SHARE:
                return f"personal: its texts have the form of {form}"
    return ""


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return pa.chunked_array([], pa.string())
    return values.slice(0, _LOOKED_AT).drop_null()

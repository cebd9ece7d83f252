"""Detection of personal data from the name and the form of a column."""

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
# names that contain all the words of one of these
_NAMES = (
    ("email",), ("mail",), ("phone",), ("telephone",), ("mobile",), ("ssn",), ("iban",), ("passport",),
    ("firstname",), ("lastname",), ("surname",), ("fullname",), ("username",), ("first", "name"), ("last", "name"),
    ("full", "name"), ("user", "name"), ("customer", "name"), ("holder", "name"), ("birth",), ("birthday",),
    ("birthdate",), ("dob",), ("street",), ("address",), ("postcode",), ("zip",), ("zipcode",), ("ip",),
    ("customer", "id"), ("user", "id"), ("patient", "id"), ("person", "id"), ("license", "plate"), ("latitude",),
    ("longitude",),
)  # fmt: skip


def explain_personal(words: Sequence[str], values: pa.ChunkedArray) -> str:
    """Explain why a column seems to be personal; empty if it does not.

    Args:
        words: words of its name.
        values: values in the sample.
    """
    # a flag of having a telephone is not a telephone number
    if not pa.types.is_boolean(values.type) and any(set(name) <= set(words) for name in _NAMES):
        return "personal, by its name"
    texts = _texts(values)
    if len(texts):
        for form, pattern in _FORMS.items():
            if pc.mean(pc.match_substring_regex(texts, pattern).cast(pa.float64())).as_py() >= _SHARE:
                return f"personal: its texts look like {form}"
    return ""


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return pa.chunked_array([], pa.string())
    return values.slice(0, _LOOKED_AT).drop_null()

"""Detection of personal data from the name and the form of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
# names that contain all the words of one of these are those of a person
_NAMES = (
    ("email",), ("phone",), ("telephone",), ("ssn",), ("iban",), ("passport",),
    ("firstname",), ("lastname",), ("surname",), ("fullname",), ("username",), ("first", "name"), ("last", "name"),
    ("full", "name"), ("user", "name"), ("customer", "name"), ("holder", "name"), ("birthday",), ("birthdate",),
    ("dob",), ("customer", "id"), ("user", "id"), ("patient", "id"), ("person", "id"), ("license", "plate"),
)  # fmt: skip
# and these are, unless many rows share each value
_SHARED_NAMES = (
    ("mail",), ("mobile",), ("birth",), ("street",), ("address",), ("postcode",), ("zip",), ("zipcode",), ("ip",),
    ("latitude",), ("longitude",),
)  # fmt: skip
# of what is said of a person's data, which is not the data: email_domain, phone_verified, address_age_days
_SAID = frozenset(
    {
        "age", "avg", "category", "change", "changes", "count", "country", "days", "distance", "domain", "flag", "has",
        "hours", "is", "known", "match", "matches", "mean", "months", "rate", "ratio", "region", "risk", "same",
        "score", "share", "status", "total", "type", "valid", "verified", "years",
    }
)  # fmt: skip
_FEW_ROWS, _MOST_DISTINCT = 20, 0.5


class PersonalGuess(NamedTuple):
    """Whether a column seems to be personal, and why it may be; empty if nothing speaks for it."""

    is_personal: bool = False
    reason: str = ""


def guess_personal(words: Sequence[str], values: pa.ChunkedArray) -> PersonalGuess:
    """Guess whether a column is personal, by its name and the form of its values.

    Args:
        words: words of its name.
        values: values in the sample.
    """
    texts = _texts(values)
    if len(texts):
        for form, pattern in _FORMS.items():
            if pc.mean(pc.match_substring_regex(texts, pattern).cast(pa.float64())).as_py() >= _SHARE:
                return PersonalGuess(True, f"personal: its texts look like {form}")  # noqa: FBT003 - the answer
    # a flag of having a telephone is not a telephone number
    if pa.types.is_boolean(values.type):
        return PersonalGuess()
    if any(set(name) <= set(words) for name in _NAMES):
        return _by_name(words, is_shared=False)
    if any(set(name) <= set(words) for name in _SHARED_NAMES):
        return _by_name(words, is_shared=_is_shared(values))
    return PersonalGuess()


def _by_name(words: Sequence[str], *, is_shared: bool) -> PersonalGuess:
    if said := sorted(_SAID.intersection(words)):
        return PersonalGuess(reason=f"not personal, though by its name it may be: it tells of the {said[0]} alone")
    if is_shared:
        return PersonalGuess(reason="not personal, though by its name it may be: rows share its values")
    return PersonalGuess(True, "personal, by its name")  # noqa: FBT003 - the answer


def _is_shared(values: pa.ChunkedArray) -> bool:
    there = len(values) - int(values.null_count)
    return there >= _FEW_ROWS and int(pc.count_distinct(values).as_py()) <= _MOST_DISTINCT * there


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return pa.chunked_array([], pa.string())
    return values.slice(0, _LOOKED_AT).drop_null()

"""Names of the columns by which an envelope says more of a row than its values."""

REASON = "quarantine_reason"
SAMPLING = "sampling_fraction"
FILE = "number of the file"
COUNTERPART = "number of the file of the response"

# what a payload calls so is none of the envelope's
RESERVED = frozenset({REASON, SAMPLING, FILE, COUNTERPART})

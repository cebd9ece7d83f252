"""Object stores that paths of a spec may name."""

from __future__ import annotations

SUPPORTED = ("s3", "abfs", "abfss", "gs", "file")
_SPELLINGS = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "az": "abfs", "adl": "abfs", "wasb": "abfs", "wasbs": "abfs"}


def check_store(path: str) -> str:
    """Check that the path is local, or of an object store whose reads can be made conditional."""
    scheme, found, _ = path.partition("://")
    if not found or scheme in SUPPORTED:
        return path
    hint = (
        f"write {_SPELLINGS[scheme]}://"
        if scheme in _SPELLINGS
        else "use a local path, file://, s3://, abfs:// or gs://"
    )
    raise ValueError(f"{scheme}:// names no supported object store; {hint}")

"""Input sources and formats of Druid tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow_mlmon.errors import ConfigError

JSON_LINES, PARQUET = ".json.gz", ".parquet"


def build_input_source(urls: Sequence[str]) -> dict[str, Any]:
    """Return the input source (`http`, `s3` or `local`) for the scheme that all URLs share.

    >>> build_input_source(["file:///data/day.json.gz"])
    {'type': 'local', 'files': ['/data/day.json.gz']}
    """
    schemes = {urlsplit(url).scheme for url in urls}
    if not schemes:
        raise ConfigError(
            "The Druid task has no input files.", hint="to empty the partition on purpose, use empty_partition"
        )
    if schemes <= {"http", "https"}:
        return {"type": "http", "uris": list(urls)}
    if schemes == {"s3"}:
        return {"type": "s3", "uris": list(urls)}
    if schemes <= {"file", ""}:
        return {"type": "local", "files": _paths(urls)}
    raise ConfigError(
        f"The input URLs of a Druid task must share one scheme, got {', '.join(sorted(schemes))}.",
        hint="use only presigned URLs, only s3:// URIs, or only files",
    )


def build_input_format(urls: Sequence[str]) -> dict[str, Any]:
    """Return the input format by file name: gzipped JSON Lines, or Parquet.

    >>> build_input_format(["https://s3/day.json.gz?X-Amz-Signature=0123"])
    {'type': 'json'}
    """
    paths = _paths(urls)
    if all(path.endswith(PARQUET) for path in paths):
        return {"type": "parquet", "binaryAsString": True}
    if unknown := [path for path in paths if not path.endswith(JSON_LINES)]:
        raise ConfigError(
            f"Druid has no input format for {unknown[0]}.", hint=f"end the name in {JSON_LINES} or {PARQUET}"
        )
    return {"type": "json"}


def _paths(urls: Sequence[str]) -> list[str]:
    return [unquote(urlsplit(url).path) for url in urls]

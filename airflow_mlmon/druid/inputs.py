"""How Druid reads its input: where it lies, and in which format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow_mlmon.errors import ConfigError

JSON_LINES, PARQUET = ".json.gz", ".parquet"


def input_source(urls: Sequence[str]) -> dict[str, Any]:
    """Where Druid reads the rows: `http`, `s3` or `local`, by the scheme that all the URLs share.

    >>> input_source(["file:///data/day.json.gz"])
    {'type': 'local', 'files': ['/data/day.json.gz']}
    """
    schemes = {urlsplit(url).scheme for url in urls}
    if not schemes:
        raise ConfigError("Druid is given nothing to read.", hint="empty the partition on purpose: empty_partition")
    if schemes <= {"http", "https"}:
        return {"type": "http", "uris": list(urls)}
    if schemes == {"s3"}:
        return {"type": "s3", "uris": list(urls)}
    if schemes <= {"file", ""}:
        return {"type": "local", "files": _paths(urls)}
    raise ConfigError(
        f"Druid is given {', '.join(sorted(schemes))} addresses to read.",
        hint="give presigned URLs, s3:// addresses, or files only",
    )


def input_format(urls: Sequence[str]) -> dict[str, Any]:
    """How Druid reads the rows, by the end of the names: JSON Lines that it unzips, or Parquet.

    >>> input_format(["https://s3/day.json.gz?X-Amz-Signature=0123"])
    {'type': 'json'}
    """
    paths = _paths(urls)
    if all(path.endswith(PARQUET) for path in paths):
        return {"type": "parquet", "binaryAsString": True}
    if unknown := [path for path in paths if not path.endswith(JSON_LINES)]:
        raise ConfigError(
            f"Druid would not know how to read {unknown[0]}.", hint=f"end the name in {JSON_LINES} or {PARQUET}"
        )
    return {"type": "json"}


def _paths(urls: Sequence[str]) -> list[str]:
    return [unquote(urlsplit(url).path) for url in urls]

"""Destinations: where files of captured rows are published."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


class Destination(Protocol):
    """Folder or bucket in which a file appears whole or not at all."""

    def publish(self, name: str, content: bytes) -> None:
        """Write a file that did not exist; raise OSError if that fails."""


class LocalFolder:
    """Folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(self, name: str, content: bytes) -> None:
        """Write the file beside its place, and rename it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.tmp")
        part.write_bytes(content)
        os.link(part, path)  # fails where the name is taken
        part.unlink()


def open_destination(uri: str) -> Destination:
    """Open the destination of a path without placeholders, such as `s3://bucket/fraud/` or a folder."""
    return LocalFolder(Path(uri.removeprefix("file://")))

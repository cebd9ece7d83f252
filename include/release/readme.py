"""Makes the page of a package index of the README: its links lead from there to the files of the release.

On an index, links that are relative to a file of the repository lead nowhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).parents[2]
# a picture is shown as its bytes, everything else as a page
_RELATIVE = re.compile(r"(!?)(\[[^\]]*\])\((?!https?://|#)([^)\s]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Build with the README as a package index shows it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README in the metadata."""
        text = lead_to_release((ROOT / "README.md").read_text(), self.config["repository"], metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def lead_to_release(text: str, repository: str, version: str) -> str:
    """Return Markdown whose relative links lead to the files of a release in a repository.

    >>> lead_to_release("![a](b.png) [c](d.md#e) [f](https://g)", "https://h/i", "1.0")
    '![a](https://h/i/raw/v1.0/b.png) [c](https://h/i/blob/v1.0/d.md#e) [f](https://g)'
    """

    def lead(found: re.Match[str]) -> str:
        picture, label, target = found.groups()
        return f"{picture}{label}({repository}/{'raw' if picture else 'blob'}/v{version}/{target})"

    return _RELATIVE.sub(lead, text)

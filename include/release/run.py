"""Build a release: `make release` checks what it would be built from, builds both packages and checks them.

Into `dist` come the wheel and the sdist of airflow_mlmon and of its capture library, and their checksums. Nothing is
tagged or uploaded.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_TWINE = Path(".cache", "environments", "release", "bin", "twine")
# folders with a pyproject.toml each
_PACKAGES = (Path(), Path("include", "capture"))


def version_of(checkout: Path) -> str:
    """Read the version of the package, which stands in one place.

    Raises:
        ValueError: it does not stand there.
    """
    module = (checkout / "airflow_mlmon" / "__init__.py").read_text()
    [version] = re.findall(r'^__version__ = "(.+)"$', module, flags=re.MULTILINE)
    return str(version)


def find_faults(checkout: Path) -> Iterator[str]:
    """Yield what forbids a release of this checkout, each in one line with what to do."""
    version = version_of(checkout)
    yield from _faults_of_tree(checkout, f"v{version}")
    sections = _sections((checkout / "include" / "docs" / "changelog.md").read_text())
    if not any(re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", title) for title in sections):
        yield f"include/docs/changelog.md has no section of {version}: write `## {version} - <date>` above its entries"
    if sections.get("Unreleased", "").strip():
        yield f"include/docs/changelog.md has unreleased entries: put them below {version}, or raise __version__"


def build(checkout: Path, folder: Path) -> list[Path]:
    """Build wheel and sdist of both packages, check them as an index does, and return them with their checksums.

    Raises:
        subprocess.CalledProcessError: one cannot be built, or an index would refuse it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for package in _PACKAGES:
        _run([sys.executable, "-m", "hatchling", "build", "--directory", str(folder)], checkout / package)
    built = sorted(folder.iterdir())
    _run([str(CHECKOUT / _TWINE), "check", "--strict", *map(str, built)], checkout)
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in built))
    return [*built, sums]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check and build; return 1 where something forbids it."""
    parser = argparse.ArgumentParser(prog="python -m include.release.run", description=(__doc__ or "").splitlines()[0])
    parser.parse_args(arguments)
    faults = list(find_faults(CHECKOUT))
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    for one in build(CHECKOUT, CHECKOUT / "dist"):
        print(one.relative_to(CHECKOUT))
    version = version_of(CHECKOUT)
    print(f"tag:    git tag --annotate v{version} --message 'airflow_mlmon {version}' && git push origin v{version}")
    print(f"upload: {_TWINE} upload dist/*.whl dist/*.tar.gz")
    return 0


def _faults_of_tree(checkout: Path, tag: str) -> Iterator[str]:
    if _git(checkout, "status", "--porcelain"):
        yield "the tree has changes that are not committed: commit or stash them"
    tagged = _git(checkout, "rev-list", "--max-count=1", tag) if _git(checkout, "tag", "--list", tag) else None
    if tagged not in {None, _git(checkout, "rev-parse", "HEAD")}:
        yield f"the tag {tag} is of another commit: raise __version__ in airflow_mlmon/__init__.py"


def _sections(text: str) -> dict[str, str]:
    """Return the text of each section of a changelog, by its title."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _git(checkout: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

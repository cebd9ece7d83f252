"""All kinds of fault by name, in the order of their tables."""

from __future__ import annotations

from tests.benchmarks.faults import numbers, outputs, texts, volume
from tests.benchmarks.faults.planting import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind for kinds in (numbers.KINDS, texts.KINDS, volume.KINDS, outputs.KINDS) for kind in kinds
}

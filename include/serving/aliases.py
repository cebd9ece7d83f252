"""Names in the registry by which the service is steered."""

from __future__ import annotations

# aliases of versions
CHAMPION = "champion"
CHALLENGER = "challenger"
# tag of a version: the share of the traffic that it gets while it is the challenger
SHARE = "canary_share"

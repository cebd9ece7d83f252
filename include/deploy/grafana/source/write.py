"""Write every dashboard as JSON: `python -m include.deploy.grafana.source.write FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from include.deploy.grafana.source.druid import druid
from include.deploy.grafana.source.fleet import fleet
from include.deploy.grafana.source.model import of_model
from include.deploy.grafana.source.runs import runs

DASHBOARDS = {"fleet": fleet, "model": of_model, "runs": runs, "druid": druid}


def written(dashboard: build.Dashboard) -> str:
    """Return the JSON of a dashboard, its panels numbered in their order."""
    found = dashboard.build()
    for number, panel in enumerate(found.panels or [], 1):
        panel.id_val = number
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(found) + "\n"


def main(folder: Path) -> None:
    """Write the dashboards into a folder."""
    for name, make in DASHBOARDS.items():
        (folder / f"{name}.json").write_text(written(make()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

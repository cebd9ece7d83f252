"""Settings of the example service, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSettings:
    """Where the model comes from, and where its predictions go.

    Attributes:
        spec: spec of the model, which says what is captured.
        destination: root of the predictions' archive in the place of the one in the spec; None for that one.
        labels_destination: the same of the labels; with another destination, labels are kept only where it is given.
        captures: whether predictions are captured at all.
        flush_s: age in seconds at which waiting rows are written.
        spool: folder of files that cannot be published yet; None for capture's own.
        model_folder: folder of the one version that is served, where there is no registry.
        registry: address of the MLflow server whose aliases say which versions are served.
        model: name of the model in the registry.
    """

    spec: Path
    destination: str | None
    labels_destination: str | None
    captures: bool
    flush_s: float
    spool: Path | None
    model_folder: Path | None
    registry: str | None
    model: str


def read_settings(environment: Mapping[str, str]) -> ServingSettings:
    """Read the settings from variables such as `SERVING_SPEC`.

    Raises:
        ValueError: it is said nowhere, or twice, where the model comes from.
    """
    folder, registry = environment.get("SERVING_MODEL_FOLDER"), environment.get("SERVING_REGISTRY")
    if bool(folder) is bool(registry):
        raise ValueError("Set SERVING_MODEL_FOLDER, a folder that include.serving.train wrote, or SERVING_REGISTRY.")
    return ServingSettings(
        spec=Path(environment.get("SERVING_SPEC") or FOLDER / "flights_served.yaml"),
        destination=environment.get("SERVING_DESTINATION") or None,
        labels_destination=environment.get("SERVING_LABELS_DESTINATION") or None,
        captures=environment.get("SERVING_CAPTURE", "on") != "off",
        flush_s=float(environment.get("SERVING_FLUSH_S", "10")),
        spool=Path(environment["SERVING_SPOOL"]) if environment.get("SERVING_SPOOL") else None,
        model_folder=Path(folder) if folder else None,
        registry=registry or None,
        model=environment.get("SERVING_MODEL", "flights"),
    )

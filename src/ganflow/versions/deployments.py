"""The names in a project's prefect.yaml: several projects may share a server."""

from pathlib import Path
from typing import Any

import yaml


def project_name(project: Path) -> str:
    """The name at the top of prefect.yaml, which `ganflow init` makes that of the folder."""
    return str(_described(project).get("name") or "ganflow")


def work_pool(project: Path) -> str:
    """The work pool of the project's deployments."""
    try:
        return str(_described(project)["deployments"][0]["work_pool"]["name"])
    except (LookupError, TypeError):
        return "ganflow"


def deployment(flow: str, name: str, project: Path) -> str:
    """What `prefect deployment run` calls a deployment, such as `retrain/faces-nightly`.

    Args:
        name: as it is in ganflow's own prefect.yaml.
    """
    found = _described(project).get("deployments") or []
    names = {str(one.get("name")) for one in found if isinstance(one, dict)}
    own = f"{project_name(project)}-{name}"
    return f"{flow}/{own if own in names else name}"


def _described(project: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load((project / "prefect.yaml").read_text())
    except (OSError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}

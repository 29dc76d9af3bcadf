"""The small project and the Prefect server of the flows' tests are used here too."""

from tests.flows.conftest import (
    cleanup,
    deployable,
    deployed,
    fault,
    here,
    lenient,
    project,
    quiet_tools,
    server,
    shared,
    shared_template,
    template,
    worker,
)

__all__ = [
    "cleanup",
    "deployable",
    "deployed",
    "fault",
    "here",
    "lenient",
    "project",
    "quiet_tools",
    "server",
    "shared",
    "shared_template",
    "template",
    "worker",
]

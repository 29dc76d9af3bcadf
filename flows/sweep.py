"""Train a grid or random points of a parameter space."""

from ganflow.orchestration.flows.sweep import sweep

__all__ = ["sweep"]

"""Search a parameter space, and propose the best model."""

from ganflow.orchestration.flows.search import search

__all__ = ["search"]

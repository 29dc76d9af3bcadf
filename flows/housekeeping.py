"""Remove what old runs have left."""

from ganflow.orchestration.flows.housekeeping import housekeeping

__all__ = ["housekeeping"]

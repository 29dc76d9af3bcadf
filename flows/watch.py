"""Send an event when enough new images have arrived."""

from ganflow.orchestration.flows.watch import watch

__all__ = ["watch"]

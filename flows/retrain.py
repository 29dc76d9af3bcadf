"""Train in a workspace and propose the model in a pull request."""

from ganflow.orchestration.flows.retrain import retrain

__all__ = ["retrain"]

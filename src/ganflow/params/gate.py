"""The `gate` section: what a retrained model must show before a pull request opens."""

from ganflow.params.section import Section


class Gate(Section):
    """Read by the retraining flow, by no stage: changing it never retrains."""

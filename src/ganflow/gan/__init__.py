"""The networks, their losses and the training."""

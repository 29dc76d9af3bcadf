"""How the networks learn: objectives, penalties, the step, the loop, checkpoints."""

"""Comparing and reviewing git revisions: the only place that calls git or dvc."""

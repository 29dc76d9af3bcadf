"""Comparing and reviewing git revisions."""

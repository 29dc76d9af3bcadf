"""From raw files to the prepared store."""

"""What people look at: grids, animations, and the report."""

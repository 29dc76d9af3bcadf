"""What the flows are made of; the only part of the package that needs Prefect."""

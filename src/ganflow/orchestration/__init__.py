"""The building blocks of the flows; the only part of the package that imports Prefect."""

"""Prefect's part: when and where the pipeline runs, and what happens if it fails.

What runs is DVC's: every flow here runs the stages of dvc.yaml through the `dvc` command, so
that there is one cache and one dvc.lock, whoever started the run.
"""

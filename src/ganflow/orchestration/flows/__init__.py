"""The Prefect flows: when and where the stages run, and what happens after a failure.

Every flow runs the stages of dvc.yaml through the `dvc` command, so that all runs share one cache
and one dvc.lock, however they were started.
"""

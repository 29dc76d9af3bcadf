"""Run the stages of dvc.yaml in this folder.

`python -m flows.pipeline` runs the flow with a Prefect server that is started for this run only.
"""

if __name__ == "__main__":
    from ganflow.orchestration import embedded

    embedded.isolate()  # before Prefect reads its settings

from ganflow.orchestration.flows.pipeline import pipeline

if __name__ == "__main__":
    raise SystemExit(embedded.run_and_print(pipeline))

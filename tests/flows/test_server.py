"""A real server, worker and deployment: what `prefect deployment run` is promised to do.

This is also what holds the bound on fastapi in pyproject.toml: outside of it the server does
not start, or refuses the deployment.
"""

from pathlib import Path

from tests.flows.conftest import Server


def test_a_deployed_pipeline_runs(server: Server, worker: Path, deployed: Path) -> None:
    (deployed / "params.yaml").write_text("seed: 1\ntrain: {images: 128000}\n")
    said = server.prefect("deployment", "run", "pipeline/local", "--watch", cwd=deployed)
    assert "Completed" in said
    assert (deployed / "data/model/file.txt").read_text().startswith("seed: 1")
    tasks = server.ask("/task_runs/filter", {"sort": "EXPECTED_START_TIME_ASC"})
    assert {task["name"]: task["state"]["name"] for task in tasks} == {
        "prepare_data": "Unchanged",
        "train_extractor": "Unchanged",
        "train_gan": "Ran",
        "generate_samples": "Ran",
        "evaluate_samples": "Ran",
        "write_report": "Ran",
    }
    artifacts = server.ask("/artifacts/filter", {})
    assert "| fd | " in next(a["data"] for a in artifacts if a["key"] == "metrics")
    assert next(a["data"] for a in artifacts if a["key"] == "train-progress") == 100

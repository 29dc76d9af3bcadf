"""The files of a project are made from this repository's, and cannot drift from them."""

from pathlib import Path

import pytest
import yaml

from ganflow.template import REPOSITORY
from ganflow.template.files import (
    add_lines,
    deployments_file,
    project_files,
    stages_file,
    workflow_file,
)


def test_stages_are_those_of_this_repository_without_their_code() -> None:
    own = yaml.safe_load(stages_file())
    ours = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    assert "src/" not in stages_file()
    for name, stage in own["stages"].items():
        *sections, recorded = stage["params"]
        *ours_sections, libraries = ours["stages"][name]["params"]
        assert sections == ours_sections
        assert recorded == {"ganflow.lock": [name, *libraries["ganflow.lock"]]}
        assert stage["outs"] == ours["stages"][name]["outs"]
    assert own["plots"] == ours["plots"]


def test_new_data_of_a_project_start_no_other_project() -> None:
    assert "prefect.resource.id: ganflow.data.faces/*" in deployments_file("faces")


@pytest.mark.parametrize(
    "text",
    [
        (REPOSITORY / "prefect.yaml").read_text(),
        (REPOSITORY / "deployments/docker.yaml").read_text(),
        deployments_file("faces"),
    ],
    ids=["this repository's", "in containers", "a project's"],
)
def test_nothing_runs_by_itself_and_no_hour_is_that_of_one_place(text: str) -> None:
    schedules = [
        schedule
        for deployment in yaml.safe_load(text)["deployments"]
        for schedule in deployment.get("schedules", [])
    ]
    assert schedules
    assert [schedule["active"] for schedule in schedules] == [False] * len(schedules)
    assert {schedule["timezone"] for schedule in schedules if "cron" in schedule} <= {"UTC"}


def test_every_name_in_prefect_yaml_is_the_project_s() -> None:
    found, ours = (
        yaml.safe_load(text) for text in (deployments_file("faces"), deployments_file("ganflow"))
    )
    assert found["name"] == "faces"
    assert found["definitions"]["pool"]["name"] == "faces"
    names = [each["name"] for each in found["deployments"]]
    assert names == [each["name"].replace("ganflow-", "faces-") for each in ours["deployments"]]
    assert all(name.startswith("faces-") for name in names)


def test_the_workflow_installs_ganflow_and_tests_nothing() -> None:
    text = workflow_file()
    assert "make test" not in text
    assert "pip install --quiet -r requirements.txt" in text
    yaml.safe_load(text)


def test_no_file_is_left_with_a_blank_to_fill_in() -> None:
    for name, text in project_files("faces", "pictures").items():
        if name == "README.md":
            assert "$" not in text.replace("${{", "").replace("$(", "")
            assert "faces" in text


def test_lines_are_added_once(tmp_path: Path) -> None:
    path = tmp_path / ".gitignore"
    path.write_text("mine/")
    assert add_lines(path, "mine/\ndata/\n") == ".gitignore: 1 line added"
    assert path.read_text() == "mine/\ndata/\n"
    assert add_lines(path, "data/\n") == ".gitignore: 0 lines added"

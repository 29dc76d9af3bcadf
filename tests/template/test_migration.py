"""`ganflow upgrade` in a project whose files an earlier version wrote."""

from pathlib import Path

import pytest
import yaml

from ganflow.base.errors import ParameterError
from ganflow.config import params as parameters
from ganflow.stages import lock
from ganflow.template.files import stages_file
from ganflow.template.migration import migrate_stages, upgrade
from ganflow.template.writing import init


@pytest.fixture
def project(tmp_path: Path) -> Path:
    init(tmp_path / "faces", None, None, with_git=False)
    return tmp_path / "faces"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_project_of_this_version_stays_as_it_is(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.iterdir() if path.is_file()}
    assert upgrade(project) == ([], {})
    assert {path: path.read_bytes() for path in before} == before


def test_a_key_of_an_earlier_version_is_renamed_with_its_value_and_comment(project: Path) -> None:
    params = project / "params.yaml"
    change(params, "ema_half_life:", "averaging:")
    before = params.read_text()
    with pytest.raises(ParameterError, match="`ganflow upgrade` renames it"):
        parameters.load(params)
    said, _ = upgrade(project)
    assert said == ["params.yaml: train.averaging is train.ema_half_life now"]
    assert params.read_text() == before.replace("averaging:", "ema_half_life:")
    parameters.load(params)


def test_a_key_under_both_names_is_left_to_the_user(project: Path) -> None:
    params = project / "params.yaml"
    change(params, "  ema_half_life:", "  averaging: 7\n  ema_half_life:")
    before = params.read_text()
    with pytest.raises(ParameterError, match="both are there"):
        upgrade(project)
    assert params.read_text() == before


def test_the_stages_get_today_s_form_and_keep_what_is_the_user_s(project: Path) -> None:
    stages = project / "dvc.yaml"
    text = stages_file()
    older = (
        text.replace("cmd: python -m ganflow train", "cmd: python -m ganflow fit")
        .replace("      - data/training\n    params", "    params")  # a dependency of the report
        .replace(
            "      - data/model\n      - data/training\n\n",
            "      - data/model\n      - data/logs\n\n",
        )
        .replace("      - data/samples\n      - data/raw", "      - data/pairs\n      - data/raw")
        .replace("      - runtime\n      - evaluation\n", "      - judging\n      - evaluation\n")
        .replace("[evaluate, keras, numpy, pillow, scipy, tensorflow]", "[evaluate, numpy]")
        .replace(  # the user's own network
            "stages:\n", "# ours\nstages:\n  crop:\n    cmd: python crop.py\n", 1
        )
        .replace(
            "      - data/extractor\n    params:\n      - seed",
            "      - data/extractor\n      - networks.py # mine\n    params:\n      - seed",
        )
    )
    stages.write_text(older)
    said = migrate_stages(project)
    assert "dvc.yaml: train: cmd is python -m ganflow train" in said
    assert "dvc.yaml: train: outs without data/logs" in said
    assert "dvc.yaml: train: outs with data/training" in said
    assert "dvc.yaml: evaluate: deps without data/pairs" in said
    assert "dvc.yaml: evaluate: params without judging" in said
    found, wanted = yaml.safe_load(stages.read_text()), yaml.safe_load(text)
    assert found["stages"].pop("crop") == {"cmd": "python crop.py"}
    assert "networks.py" in found["stages"]["train"]["deps"]
    found["stages"]["train"]["deps"].remove("networks.py")
    for name, stage in wanted["stages"].items():
        assert found["stages"][name]["cmd"] == stage["cmd"]
        for key in ("deps", "outs"):
            assert sorted(map(str, found["stages"][name][key])) == sorted(map(str, stage[key]))
    lock_keys = lock.keys_of(found["stages"]["evaluate"])
    assert lock_keys == lock.keys_of(wanted["stages"]["evaluate"])
    assert "# ours\n" in stages.read_text()
    assert "networks.py # mine" in stages.read_text()
    assert migrate_stages(project) == []


def test_a_stage_that_an_earlier_version_did_not_have_is_added(project: Path) -> None:
    stages = project / "dvc.yaml"
    text = stages.read_text()
    start, end = text.index("  report:\n"), text.index("\nmetrics:")
    stages.write_text(text[:start] + text[end + 1 :])
    assert migrate_stages(project) == ["dvc.yaml: the stage report is new"]
    assert yaml.safe_load(stages.read_text())["stages"] == yaml.safe_load(text)["stages"]


def test_dvc_yaml_of_a_clone_is_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text(
        "stages: {train: {cmd: old, params: [{ganflow.lock: [numpy]}]}}\n"
    )
    assert migrate_stages(tmp_path) == []

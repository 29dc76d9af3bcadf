"""The command `ganflow`: what it says, how it ends, and how soon it starts."""

import dataclasses
import json
import logging
import os
import re
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from ganflow import cli
from ganflow.base.errors import GanflowError, HeldError, ParameterError, TrainingError
from ganflow.cli import STAGES, TOOLS, main

ROOT = Path(__file__).parents[1]
COMMANDS = [*STAGES, *TOOLS]


def run(
    *arguments: str, cwd: Path = ROOT, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ganflow", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_names_every_command_and_fits_the_terminal() -> None:
    done = run("--help")
    assert done.returncode == 0
    summaries = STAGES | {name: tool.summary for name, tool in TOOLS.items()}
    for name, summary in summaries.items():
        assert f"  {name:12}{summary}" in done.stdout.splitlines()
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stderr == ""
    assert run().stdout == done.stdout, "without a command, the help is what helps"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    usage, about, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: ganflow {command} ")
    assert about[0].isupper(), "a sentence"
    assert about.endswith(".")


def test_every_stage_of_the_pipeline_is_a_command() -> None:
    from ganflow.config.document import parse

    described = parse((ROOT / "dvc.yaml").read_text())["stages"]
    assert list(described) == list(STAGES)
    assert all(
        described[name]["cmd"] == f"PYTHONPATH=src python -m ganflow {name}" for name in STAGES
    )


def test_help_starts_at_once() -> None:
    """In seconds of processor time, which other work on the machine does not lengthen much."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.4


def test_the_version_is_the_installed_one() -> None:
    import ganflow

    assert ganflow.__version__ == version("ganflow")
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"ganflow {ganflow.__version__}\n")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ganflow.nothing


@pytest.mark.parametrize("option", ["-q", "-v"])
def test_a_result_is_printed_however_quiet(
    option: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([option, "params", "seed"], ["params", "seed", option]):
        assert main(arguments) == 0
        assert capsys.readouterr().out.startswith("seed: ")


def test_quiet_keeps_errors_and_warnings_and_verbose_says_where_an_error_came_from(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_STAGE", "prepare")
    said = {}
    for option in ((), ("-q",), ("-v",)):
        assert main([*option, "prepare"]) == 1
        said[option] = capsys.readouterr().err
    assert said[()] == said["-q",]
    assert "ganflow: `dvc checkout` puts the last good outputs back\n" in said["-q",]
    assert "Traceback" not in said[()]
    assert "Traceback" in said["-v",]


def test_quiet_ends_notes_and_verbose_adds_to_them(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ganflow.versions import doctor

    def everything(project: Path) -> list[doctor.Check]:
        logging.getLogger("ganflow").info("a note")
        return [doctor.Check("Python", True, "3.11")]

    monkeypatch.setattr(doctor, "everything", everything)
    for options, expected in (
        ([], "ganflow: a note\n"),
        (["-q"], ""),
        (["-v"], "ganflow: looking around\nganflow: a note\n"),
    ):
        assert main(["doctor", *options]) == 0
        said = capsys.readouterr()
        assert said.err == expected
        assert "Python" in said.out


def test_quiet_and_verbose_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "-q", "-v"])
    assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_an_unknown_command_names_the_nearest() -> None:
    done = run("parms")
    assert done.returncode == 2
    assert "there is no command `parms`; did you mean `params`?" in done.stderr
    assert done.stdout == ""


def test_right_parameters(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "data" / "raw" / "mnist").mkdir(parents=True)
    assert main(["params"]) == 0
    assert capsys.readouterr().out == "params.yaml is right\n"


def test_a_parameter_is_explained(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params", "train.snapshots"]) == 0
    name, about, allowed = capsys.readouterr().out.splitlines()
    assert name == "train.snapshots: 8"
    assert "validation split" in about
    assert allowed == "  allowed: a whole number from 1 to 10000"
    assert main(["params", "train.snapshot"]) == 2
    assert "Did you mean snapshots?" in capsys.readouterr().err


def test_a_wrong_parameter_ends_with_2_before_any_stage(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("  batch: 64\n", "  batch: 65537\n"))
    for command in ("params", "prepare", "train"):
        assert main([command]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("ganflow: train.batch: 65537 is not allowed. Allowed: ")
        assert "params.yaml, line" in said.err
    assert [path.name for path in project.iterdir()] == ["params.yaml"]


def test_a_stage_without_its_input_ends_with_1(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare"]) == 1
    said = capsys.readouterr().err
    assert "data/raw/mnist" in said
    assert "Traceback" not in said
    assert "dvc checkout` puts" not in said, "only DVC deletes outputs first"


def test_under_dvc_a_failed_stage_says_how_to_get_its_outputs_back(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_STAGE", "prepare")
    assert main(["prepare"]) == 1
    said = capsys.readouterr().err
    assert "`dvc checkout` puts the last good outputs back" in said
    assert "git restore" not in said
    # Another test may have started TensorFlow in this process, with other threads.
    monkeypatch.setattr("ganflow.stages.evaluate.configure", lambda runtime: None)
    monkeypatch.setenv("DVC_STAGE", "evaluate")  # whose numbers are in git
    assert main(["evaluate"]) == 1
    assert "`git restore data/evaluation`" in capsys.readouterr().err


def test_the_real_dvc_tells_a_stage_that_it_runs_it(project: Path) -> None:
    stage = {"cmd": f"{sys.executable} -m ganflow prepare", "outs": ["data/prepared"]}
    (project / "dvc.yaml").write_text(json.dumps({"stages": {"prepare": stage}}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "DVC_NO_ANALYTICS": "1"}
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=project, env=environment, check=True)
    done = subprocess.run(
        [*dvc, "repro"], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "there is no `mnist`" in done.stderr
    assert "`dvc checkout` puts the last good outputs back" in done.stderr


def test_recipes_are_listed_and_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == sorted(line.split()[0] for line in listed)
    assert main(["recipe", "article"]) == 0
    assert "train.batch: 64 → 256" in capsys.readouterr().out
    assert main(["recipe", "article"]) == 0
    assert capsys.readouterr().out == "params.yaml holds this recipe already\n"
    assert main(["recipe", "artcle"]) == 2


def test_a_reader_that_leaves_early_is_no_error(project: Path) -> None:
    shell = f"{sys.executable} -m ganflow recipe; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({shell}) | true"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_an_interruption_is_said_in_a_word(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ganflow.config.params

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ganflow.config.params, "load", interrupt)
    assert main(["params"]) == 130
    assert capsys.readouterr().err == "ganflow: interrupted\n"


def test_data_is_shown_and_nothing_is_made_of_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    from PIL import Image

    numbers = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (project / "data" / "raw" / "pets" / label).mkdir(parents=True)
        for index in range(30):
            pixels = numbers.integers(0, 256, (16, 16), np.uint8)
            Image.fromarray(pixels).save(project / f"data/raw/pets/{label}/{index}.png")
    assert main(["data", "show", "pets"]) == 0
    shown = capsys.readouterr().out
    assert "cat, dog" in shown
    assert "16 × 16, grey" in shown
    assert (project / ".ganflow" / "pets.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (project / "data").iterdir()] == ["raw"]


def test_a_source_is_a_name_and_no_path(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "show", "../secret"]) == 2
    said = capsys.readouterr().err
    assert said.startswith('ganflow: data.source: "../secret" is not allowed. Allowed: a name of ')
    assert "params.yaml" not in said
    assert main(["data", "show", "nowhere"]) == 1
    assert "data/raw" in capsys.readouterr().err


def test_the_doctor_names_a_command_for_what_is_wrong(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ganflow.versions import doctor

    good = doctor.Check("Python", True, "3.11")
    wrong = doctor.Check("DVC remote", False, "none is set", "dvc remote add")
    extra = doctor.Check("worker", False, "offline", "prefect worker start", needed=False)
    for checks, status in (([good], 0), ([good, extra], 0), ([good, wrong, extra], 1)):
        monkeypatch.setattr(doctor, "everything", lambda project, checks=checks: checks)
        assert main(["doctor"]) == status
        said = capsys.readouterr().out
        assert all(check.name in said and check.found in said for check in checks)
        assert all(check.mend in said for check in checks if not check.good)


def test_results_for_scripts_are_json(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ganflow.config.params import load
    from ganflow.plan import planning
    from ganflow.versions import doctor

    def printed(*arguments: str, status: int = 0) -> object:
        assert main([*arguments, "--json"]) == status
        return json.loads(capsys.readouterr().out)

    assert printed("params", "train.images") == load().train.images
    assert printed("params") == load().model_dump(mode="json")
    assert main(["params", "train.imges", "--json"]) == 2
    capsys.readouterr()
    wrong = doctor.Check("DVC remote", False, "none is set", "dvc remote add")
    monkeypatch.setattr(doctor, "everything", lambda project: [wrong])
    assert printed("doctor", status=1) == [dataclasses.asdict(wrong)]
    (project / "data/raw/mnist").mkdir(parents=True)
    stage = planning.StagePlan("train", True, 60.0, 10**9, 10**6)
    found = planning.RunPlan((stage,), 2.0, 0.001, 64_000, ())
    monkeypatch.setattr(planning, "plan", lambda project, params, minutes: found)
    assert printed("plan", "--minutes", "5") == json.loads(json.dumps(found.to_dict()))


def test_the_page_of_scripts_has_every_status() -> None:
    page = (ROOT / "docs/scripts.md").read_text()
    listed = {int(line.split("|")[1]) for line in page.splitlines() if re.match(r"\| \d", line)}
    errors = {error.status for error in (GanflowError, ParameterError, HeldError)}
    assert listed == {0, 130, 141} | errors


def test_a_port_that_is_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studio", "--port", "70000"]) == 1
    assert "127.0.0.1:70000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (GanflowError("a"), 1),
        (TrainingError("a"), 1),
        (ParameterError("a"), 2),
        (HeldError("a"), 75),
    ],
)
def test_an_error_has_its_status(
    error: GanflowError, status: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("ganflow.config.params.load", fail)
    assert main(["params"]) == status


def test_a_file_that_may_not_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ganflow.versions import doctor

    def everything(project: Path) -> list[doctor.Check]:
        raise PermissionError(13, "Permission denied", "data/prepared")

    monkeypatch.setattr(doctor, "everything", everything)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert "ganflow: Permission denied\n  where:    data/prepared\n" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of 28×28 pixels that draws a 3 or a 7, so to say."""
    import keras

    from ganflow.gan.networks.build import build_discriminator, build_generator
    from ganflow.gan.networks.design import Design
    from ganflow.gan.saved import save_networks

    keras.utils.set_random_seed(2)
    design = Design("lean", (28, 28, 1), 2, 5)
    card = {
        "design": dataclasses.asdict(design),
        "class_names": ["3", "7"],
        "class_shares": [0.5, 0.5],
    }
    folder = tmp_path_factory.mktemp("model") / "model"
    folder.mkdir()
    save_networks(folder, build_generator(design), build_discriminator(design), card)
    return folder


def test_images_are_written_in_the_form_that_the_name_says(
    project: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    from PIL import Image

    chosen = ["--model", str(model), "--seed", "3"]
    assert main(["generate", "12", "made", *chosen]) == 0
    assert capsys.readouterr().out == "12 images in made\n"
    names = sorted(path.name for path in (project / "made").iterdir())
    assert names == [f"{place:02d}.png" for place in range(12)]
    assert main(["generate", "12", "made.npz", *chosen]) == 0
    with np.load("made.npz") as arrays, Image.open("made/04.png") as picture:
        assert sorted(arrays["labels"]) == ["3"] * 6 + ["7"] * 6
        np.testing.assert_array_equal(np.asarray(picture), arrays["images"][4, :, :, 0])
    assert main(["generate", "5", "turns.npz", *chosen, "--classes", "7,3"]) == 0
    with np.load("turns.npz") as arrays:
        assert arrays["labels"].tolist() == ["7", "3", "7", "3", "7"]
    assert main(["generate", "4", "grid.png", *chosen, "--truncation", "0.5"]) == 0
    with Image.open("grid.png") as picture:
        assert picture.size == (2 * 58 + 2, 2 * 58 + 2)


def test_the_model_of_a_revision_or_of_the_project(
    project: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def model_at(revision: str, *_: Path) -> Path:
        asked.append(revision)
        return model

    monkeypatch.setattr("ganflow.generate.model_at", model_at)
    assert main(["generate", "2", "before", "--model", "HEAD~1"]) == 0
    assert asked == ["HEAD~1"]
    (project / "data").mkdir()
    (project / "data" / "model").symlink_to(model)
    assert main(["generate", "2", "now"]) == 0
    assert asked == ["HEAD~1"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["2", "out"], 1, "there is no model here"),
        (["2", "out", "--model", "no-such"], 1, "a branch or a tag; or a folder with a model"),
        (["2", "."], 1, "there is something here already"),
        (["2", "params.yaml"], 1, "there is something here already"),
        (["0", "out", "--model", "{model}"], 2, "count: 0"),
        (["2", "out", "--model", "{model}", "--classes", "8"], 2, "no class is '8'"),
        (["2", "out", "--model", "{model}", "--truncation", "2"], 2, "truncation: 2.0"),
    ],
)
def test_what_cannot_be_generated(
    arguments: list[str],
    status: int,
    said: str,
    project: Path,
    model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [word.replace("{model}", str(model)) for word in arguments]
    assert main(["generate", *filled]) == status
    assert said in capsys.readouterr().err
    assert not (project / "out").exists()


@pytest.mark.slow
def test_a_hundred_images_cost_little_more_than_starting_tensorflow(
    project: Path, model: Path
) -> None:
    """In seconds of processor time, of which TensorFlow takes most before anything is done."""

    def spent(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *arguments],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    started = min(spent("-c", "import tensorflow") for _ in range(2))
    made = [spent("-m", "ganflow", "generate", "100", name, "--model", str(model)) for name in "ab"]
    assert min(made) - started < 3


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with prepared 8×8 digits and quickly trained extractors."""
    from ganflow.base.store import open_store
    from ganflow.config.extractor import ExtractorParams
    from ganflow.features.evaluators import train_extractors
    from tests.stages.measured import write_store

    folder = tmp_path_factory.mktemp("measured")
    write_store(folder / "data/prepared")
    params = ExtractorParams(features=8, epochs=2, batch=64)
    train_extractors(open_store(folder / "data/prepared"), params, folder / "data/extractor")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    return folder


def test_images_from_anywhere_are_measured(
    measured: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import numpy as np
    from PIL import Image

    monkeypatch.chdir(measured)
    images = np.load("data/prepared/train/images.npy")
    np.save(tmp_path / "images.npy", images[:200])
    for place in range(5):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.fromarray(images[place, :, :, 0]).save(tmp_path / f"pictures/{place}.png")
    assert main(["measure", str(tmp_path / "images.npy")]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["samples", "95", "%", "interval", "real", "images"]
    assert table[1].startswith("Fréchet distance ")
    assert any(line.startswith("doubt: There are 200 samples") for line in table)
    assert main(["measure", str(tmp_path / "pictures"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["fd"]["value"] > 0
    assert found["detail"]["copies"]["identical"] == 5


def test_other_real_images_are_named_or_in_a_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganflow import api

    asked = []
    monkeypatch.setattr(api, "measure", lambda folder, real, params: asked.append(real))
    (project / "data/raw/pets").mkdir(parents=True)
    for real in ("pets", "elsewhere"):
        assert main(["measure", "out", "--real", real]) == 0
    assert asked == [Path("data/raw/pets"), Path("elsewhere")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "there is nothing here"),
        (["params.yaml"], "nothing that can be read as images"),
        (["empty"], "there is no picture in it"),
        (["empty", "--real", "nowhere"], "there is nothing here"),
    ],
)
def test_what_cannot_be_measured(
    arguments: list[str],
    said: str,
    measured: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(measured)
    Path("empty").mkdir(exist_ok=True)
    assert main(["measure", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_measuring_needs_the_prepared_data(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure", "out"]) == 1
    said = capsys.readouterr().err
    assert "data/prepared/dataset.json" in said
    assert "dvc repro" in said


def test_callbacks_of_the_project_watch_a_stage_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "viewers.py").write_text(
        "import keras\nVIEWER = keras.callbacks.Callback()\ndef callbacks():\n    return [VIEWER]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANFLOW_CALLBACKS", "viewers:callbacks")
    told: list[Any] = []

    def run(callbacks: list[Any]) -> None:
        told.extend(callbacks)

    with cli._watched("train", run) as watched:
        watched()
    assert told[1:] == [sys.modules["viewers"].VIEWER]

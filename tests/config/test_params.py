"""The parameter file as a whole: read, checked across sections, and edited or left as it was."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ganflow.base.errors import ParameterError
from ganflow.config.params import check, edit, load, sections_of
from tests.config.test_messages import COMMITTED, ROOT, message


def test_the_committed_parameters_are_right() -> None:
    load(ROOT / "params.yaml")


@pytest.mark.parametrize(
    ("changes", "both"),
    [
        (
            {"evaluation__profile": "full"},
            ("evaluation.profile: full", "sample.images is 10000", "sample.images to 50000"),
        ),
        (
            {"train__images": 100, "train__batch": 128},
            ("train.images: 100", "train.batch is 128", "train.images to 128"),
        ),
        (
            {"train__penalties": {"latent": {"weight": 1.0}}},
            ("train.penalties.latent: a constant", "model.mapping is 0", "model.mapping to 1"),
        ),
    ],
)
def test_sections_that_exclude_each_other_are_found_before_any_stage(
    changes: dict[str, Any], both: tuple[str, ...]
) -> None:
    said = message(**changes)
    assert all(part in said for part in both)
    assert len(said.splitlines()) == 1


def test_all_exclusions_are_told_at_once() -> None:
    said = message(evaluation__profile="full", train__images=100, train__batch=128).splitlines()
    assert [line.split(":")[0] for line in said] == ["evaluation.profile", "train.images"]


def test_the_full_profile_judges_what_the_check_says() -> None:
    from ganflow.config.params import FULL_PROFILE
    from ganflow.stages.evaluate import PLANS

    assert PLANS["full"][0] == FULL_PROFILE
    check({"evaluation": {"profile": "full"}, "sample": {"images": FULL_PROFILE}})


@pytest.mark.parametrize(
    ("content", "said", "where"),
    [
        (b"seed: 1\nseed: 2\n", "the key `seed` is given twice", "params.yaml, line 2"),
        (b"a: {b: 1, b: 1}\n", "the key `b` is given twice", "params.yaml, line 1"),
        (b"a: [\n", "not readable as YAML", "params.yaml, line 2"),
        (b"seed: 1\n\tb: 2\n", "not readable as YAML", "params.yaml, line 2"),
        (b"a: 1\n---\nb: 2\n", "not readable as YAML", "params.yaml, line 2"),
        (b"seed: !!python/object:os.system x\n", "not readable as YAML", "line 1"),
        (b"seed: 2024-13-45\n", "not readable as YAML", "params.yaml"),
        (b"\xff\xfe", "not readable", "params.yaml"),
        (b"", "no sections", "params.yaml"),
        (b"- 1\n", "a list instead of sections", "params.yaml"),
        (b"12\n", "a int instead of sections", "params.yaml"),
        (b"\n\nseed: x\n\ntrain:\n  batch: y\n", "seed: ", "params.yaml, lines 3 and 6"),
        (b"? [a]\n: 1\n4: 5\n", "unknown parameter", "params.yaml"),
    ],
)
def test_a_file_that_is_no_parameter_file(
    content: bytes, said: str, where: str, tmp_path: Path
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParameterError) as raised:
        load(path)
    assert said in raised.value.what
    assert where in (raised.value.where or "")
    assert raised.value.run


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no parameter file") as raised:
        load(tmp_path / "params.yaml")
    assert str(tmp_path) in str(raised.value)


def test_a_mistake_is_found_without_tensorflow(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(COMMITTED.replace("seed: 0 ", "seed: x ", 1))
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ganflow", "train"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    imported = set(re.findall(r"\|\s+([\w.]+)$", done.stderr, re.M))
    assert "pydantic" in imported
    assert not {name.split(".")[0] for name in imported} & {"tensorflow", "keras", "prefect", "dvc"}
    assert done.returncode == 2
    assert 'seed: "x" is not allowed' in done.stderr


def test_an_edit_keeps_the_rest_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(COMMITTED)
    params = edit({"train.images": 64_000, "seed": 7, "runtime.threads": 2}, path)
    assert (params.train.images, params.seed, params.runtime.threads) == (64_000, 7, 2)
    assert load(path) == params
    before, after = COMMITTED.splitlines(), path.read_text().splitlines()
    changed = [b.split()[0] for b, a in zip(before, after, strict=True) if b != a]
    assert changed == ["seed:", "threads:", "images:"]
    columns = [
        [line.index("#") for line in lines if "how many real images" in line]
        for lines in (before, after)
    ]
    assert columns[0] == columns[1] != []


def test_an_edit_writes_nothing_when_a_value_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(COMMITTED)
    stamp = path.stat().st_mtime_ns
    for changes in (
        {"seed": 7, "train.batch": 1},
        {"seed": 7, "train.bacth": 64},
        {"seed.deeper": 1},
        {"no.such.section": 1},
    ):
        with pytest.raises(ParameterError, match="Allowed"):
            edit(changes, path)
        assert path.read_text() == COMMITTED
    edit({"seed": 0, "train.batch": 64}, path)
    assert path.stat().st_mtime_ns == stamp, "written although nothing changed"


def test_an_edit_says_when_the_form_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = "train:\n  generator: &adam {beta_1: 0.5}\n  discriminator: *adam\n"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"train\.discriminator\.beta_1") as raised:
        edit({"train.discriminator.beta_1": 0.0}, path)
    assert raised.value.where == f"{path}, line 3"
    assert path.read_text() == text


@pytest.mark.parametrize(
    "changes",
    [
        {"model.architecture": "mine:other"},
        {"train.objective": "mine:loss"},
        {"train": {"objective": "mine:loss"}},
        {"seed": 7, "train.objective": "mine:loss"},
    ],
)
def test_an_edit_cannot_choose_code(changes: dict[str, Any], tmp_path: Path) -> None:
    """Overrides of retrainings and searches come here; what the file itself names stays."""
    path = tmp_path / "params.yaml"
    text = COMMITTED.replace("architecture: lean", "architecture: mine:build")
    path.write_text(text)
    with pytest.raises(ParameterError, match="overrides cannot choose which code is run"):
        edit(changes, path)
    assert path.read_text() == text
    assert edit({"seed": 7, "train.objective": "hinge"}, path).model.architecture == "mine:build"


def test_a_function_is_a_module_and_a_name() -> None:
    def architecture(value: str) -> str:
        return check({"model": {"architecture": value}}).model.architecture

    assert architecture("my.package_2.mod:build") == "my.package_2.mod:build"
    for wrong in ("mod:", ":build", "mod:a.b", "../mod:build", "mod:build()", "a..b:c", "m:b\n"):
        with pytest.raises(ParameterError, match="`module:function` of a Python file"):
            architecture(wrong)


def test_a_key_with_dots_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text('gate:\n  limits: {"fd.ratio": {most: 10.0}}  # bound\n')
    params = edit({'gate.limits."fd.ratio".most': 5.0}, path)
    assert params.gate.limits["fd.ratio"].most == 5.0
    assert path.read_text() == 'gate:\n  limits: {"fd.ratio": {most: 5.0}}  # bound\n'


def test_the_sections_of_a_stage_are_the_parameters_of_its_run() -> None:
    def run(seed: int, data: object) -> None: ...

    assert sections_of(run) == ("seed", "data")

"""Completion in a shell: bash itself is asked, as at the Tab key."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ganflow.cli import STAGES, TOOLS, main

ASK = """
eval "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$(( $# - 2 ))
_shtab_ganflow
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", shell])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ([""], {*STAGES, *TOOLS}),
        (["do"], {"doctor"}),
        (["recipe", ""], {"article", "default", "residual"}),
        (["params", "train.sn"], {"train.snapshots", "train.snapshot_every"}),
        (["measure", "--re"], {"--real"}),
        (["measure", "pic"], {"pictures"}),
        (["data", ""], {"show"}),
        (["export", ""], {"card", "keras", "onnx", "saved_model", "web"}),
    ],
)
def test_what_bash_offers(
    words: list[str],
    offered: set[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "pictures").mkdir()
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", script("bash", capsys), "ganflow", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found = done.stdout.split()
    # bash's completion also offers the options where a command may come
    assert {word for word in found if word.startswith("-") == words[-1].startswith("-")} == offered


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_another_shell_reads_its_script(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = script(shell, capsys)
    assert all(name in text for name in {**STAGES, **TOOLS})
    if shutil.which(shell):
        (tmp_path / "script").write_text(text)
        done = subprocess.run(
            [shell, "-n", str(tmp_path / "script")], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_shell_that_is_not_supported(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", "elvish"])
    assert ended.value.code == 2
    assert "'bash', 'zsh', 'tcsh'" in capsys.readouterr().err

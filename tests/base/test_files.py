"""Nothing is half written, whatever happens while it is."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError, GanflowError
from ganflow.base.files import (
    read_array,
    read_json,
    sha256_of,
    whole_folder,
    write_array,
    write_bytes,
    write_json,
    write_text,
    write_whole,
)

ROOT = Path(__file__).parents[2]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_a_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    for names in (("a", "b"), ("c",)):
        with whole_folder(tmp_path / "deep" / "out") as draft:
            for name in names:
                (draft / name).write_text(name)
    assert tree(tmp_path) == {"deep/out/c": b"c"}


def test_a_folder_is_not_there_before_its_end(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "out") as draft:
        (draft / "a").write_text("a")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out").is_dir()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_a_failure_leaves_the_old_folder_as_it_was(
    error: type[BaseException], tmp_path: Path
) -> None:
    with whole_folder(tmp_path / "out") as draft:
        (draft / "a").write_text("old")
    before = tree(tmp_path)

    def fail() -> None:
        with whole_folder(tmp_path / "out") as draft:
            (draft / "a").write_text("new")
            raise error

    with pytest.raises(error):
        fail()
    assert tree(tmp_path) == before


def test_a_folder_is_replaced_by_renaming_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a kill comes, under the name stands the old folder whole, the new one, or none."""
    target = tmp_path / "out"
    with whole_folder(target) as draft:
        for name in "abc":
            (draft / name).write_text("old")
    seen: list[set[str]] = []

    def look(frame: object, event: str, argument: object) -> None:
        names = {path.name for path in target.iterdir()} if target.exists() else set()
        if event in ("call", "c_call", "c_return") and names not in seen:
            seen.append(names)

    sys.setprofile(look)
    try:
        with whole_folder(target) as draft:
            for name in "xyz":
                (draft / name).write_text("new")
    finally:
        sys.setprofile(None)
    assert set("xyz") in seen
    assert all(names in ({"a", "b", "c"}, {"x", "y", "z"}, set()) for names in seen), seen
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


KILLED = """
import sys, time
from pathlib import Path
from ganflow.base.files import whole_folder, write_whole
target = Path(sys.argv[1])
if target.suffix:
    def write(stream):
        stream.write(b"half"); stream.flush(); print("writing", flush=True); time.sleep(60)
    write_whole(target, write)
with whole_folder(target) as draft:
    (draft / "a").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["out", "out.json"])
def test_a_kill_leaves_nothing_under_the_name_and_the_next_run_is_clean(
    name: str, tmp_path: Path
) -> None:
    target = tmp_path / name
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(target)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not target.exists()

    if target.suffix:
        write_bytes(target, b"whole")
        assert tree(tmp_path) == {name: b"whole"}
    else:
        with whole_folder(target) as draft:
            (draft / "b").write_text("whole")
        assert tree(tmp_path) == {f"{name}/b": b"whole"}


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    write_json(path, {"fd": 1.5})
    before = tree(tmp_path)
    for value in (math.nan, math.inf, {"deep": [1.0, -math.inf]}, object()):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, value)
        assert tree(tmp_path) == before


def test_json_keeps_its_order_and_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "numbers.json"
    write_json(path, {"b": 1, "a": "é"})
    assert path.read_bytes() == '{\n  "b": 1,\n  "a": "é"\n}\n'.encode()
    assert read_json(path) == {"b": 1, "a": "é"}


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    hashes = set()
    for name in ("one.npy", "two.npy"):
        write_array(tmp_path / name, array)
        hashes.add(sha256_of(tmp_path / name))
        time.sleep(0.01)
    assert len(hashes) == 1


def test_an_array_is_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    write_array(path, np.arange(5))
    array = read_array(path)
    assert isinstance(array, np.memmap)
    assert array.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_no_pickle_is_written_or_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with pytest.raises(ValueError, match="pickle"):
        write_array(path, np.array([{}], dtype=object))
    assert list(tmp_path.iterdir()) == []
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="not a readable array"):
        read_array(path)


def test_what_is_missing_or_damaged_says_what_to_run(tmp_path: Path) -> None:
    for read, name in ((read_json, "a.json"), (read_array, "a.npy")):
        path = tmp_path / name
        with pytest.raises(DataError) as raised:
            read(path)
        assert str(path) in str(raised.value)
        assert "dvc repro" in str(raised.value)
        for content in (b"", b"{", b"\x93NUMPY\x01\x00v\x00{'descr'"):
            path.write_bytes(content)
            with pytest.raises(DataError, match="dvc checkout"):
                read(path)


def test_text_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "Fréchet → ∞\n")
    assert (tmp_path / "a.txt").read_bytes() == "Fréchet → ∞\n".encode()
    write_json(tmp_path / "a.json", "é")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from pathlib import Path; from ganflow.base.files import read_json; "
            f"print(read_json(Path({str(tmp_path / 'a.json')!r})) == chr(233))",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "LC_ALL": "C", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_json_on_disk_is_plain_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", [1, 2.5, None, True])
    assert json.loads((tmp_path / "a.json").read_bytes()) == [1, 2.5, None, True]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_with_the_folder_that_was_written(tmp_path: Path, number: int) -> None:
    def full(_: object) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(GanflowError, match="could not be written") as caught:
        write_whole(tmp_path / "deep/file", full)
    assert caught.value.where == str(tmp_path / "deep")
    assert str(tmp_path / "deep") in str(caught.value.run)
    assert tree(tmp_path) == {}


def test_other_errors_of_writing_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_bytes(tmp_path / "file", b"")


PREVIEW = """
import os, resource, sys
import numpy as np
from PIL import Image
from ganflow.cli import main

os.makedirs("data/raw/faces")
rng = np.random.default_rng(0)
for n in range(40):
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(f"data/raw/faces/{n}.png")
open("params.yaml", "w").write("data: {source: faces}\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
sys.exit(main(["data", "show"]))
"""


def test_a_full_state_folder_is_named_and_not_the_images(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = subprocess.run(
        [sys.executable, "-c", PREVIEW],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "GANFLOW_STATE": str(state)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (where,) = [line.split()[1] for line in done.stderr.splitlines() if "where:" in line]
    assert Path(where).is_relative_to(state), done.stderr

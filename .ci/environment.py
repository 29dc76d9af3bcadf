"""Makes .venv for this folder, this interpreter and the locks; does nothing where it is so.

`python .ci/environment.py` installs what a user needs, `python .ci/environment.py test` also what
the tests need. A file in .venv says what it was made from. It is deleted before every change, so
after an interruption the next call makes the environment again from the start.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

VENV = Path(".venv")
MARK = VENV / "made-from.json"
RUN = ("requirements.lock", "pyproject.toml")
TEST = (*RUN, "requirements-dev.lock")
PYTHON = VENV / "bin" / "python"
PIP = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def main(kinds):
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"make: {sys.executable} is Python {version}, and ganflow needs 3.11 to 3.13: "
            "make PYTHON=python3.12 TARGET"
        )
    # .venv/bin is first on PATH, so `python3` is usually .venv's own: its base is what counts.
    base = os.path.realpath(sys._base_executable)
    place = [str(Path.cwd()), base, sys.implementation.cache_tag]
    made = _read()
    whole = PYTHON.exists() and any(VENV.glob("lib/python*/site-packages/pip/__main__.py"))
    if made.get("place") != place or not whole:
        print("Making .venv", flush=True)
        _run({}, base, "-m", "venv", "--clear", VENV)
        made = {"place": place}
    if made.get("run") != _digest(RUN):
        print("Installing into .venv (a minute or two, once)", flush=True)
        # The locked pip first: older ones do not take a pin with extras for the package itself.
        (VENV / "pip.lock").write_text(_pin_of_pip())
        made = {"place": place}
        _run(made, *PIP, "--require-hashes", "-r", VENV / "pip.lock")
        _run(made, *PIP, "--require-hashes", "-r", "requirements.lock")
        _run(made, *PIP, "--no-deps", "--no-build-isolation", "-e", ".")
        made["run"] = _digest(RUN)
        MARK.write_text(json.dumps(made))
    if "test" in kinds and made.get("test") != _digest(TEST):
        print("Adding what the tests need to .venv", flush=True)
        _run(made, *PIP, "--require-hashes", "-r", "requirements-dev.lock")
        made["test"] = _digest(TEST)
        MARK.write_text(json.dumps(made))


def _read():
    try:
        return json.loads(MARK.read_text())
    except (OSError, ValueError):
        return {}


def _digest(names):
    return hashlib.sha256(b"\0".join(Path(name).read_bytes() for name in names)).hexdigest()


def _pin_of_pip():
    """The lines of requirements.lock that pin pip."""
    lines = Path("requirements.lock").read_text().splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith("pip=="))
    end = next(n for n in range(start, len(lines)) if not lines[n].endswith("\\\n"))
    return "".join(lines[start : end + 1])


def _run(made, *command):
    """Run one step of the installation, with no mark in .venv while it runs.

    `made` is what .venv is known to be if the step fails by itself, without a network for example:
    pip then leaves the packages as they were or as they should be.
    """
    MARK.unlink(missing_ok=True)
    status = subprocess.run([str(word) for word in command], check=False).returncode
    if status > 0 and made:
        MARK.write_text(json.dumps(made))
    if status:
        sys.exit("make: .venv is not finished; the same command goes on with it")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)

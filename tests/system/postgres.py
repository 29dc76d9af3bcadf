"""A real PostgreSQL on loopback, with its data in a folder that goes with the test."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.flows.conftest import free_port


def program(name: str) -> str:
    """A program of the server's, which Debian does not put on PATH."""
    ours = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(ours[-1]) if ours else shutil.which(name)
    assert found, "these proofs need PostgreSQL: apt-get install postgresql"
    return found


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A server with an empty database; the address that SQLAlchemy takes."""
    # It refuses to run as root. Whoever runs it has to reach the folder.
    as_owner = ["runuser", "--user", "postgres", "--"] if os.geteuid() == 0 else []
    data, port = folder / "postgres", free_port()
    data.mkdir()
    if as_owner:
        shutil.chown(data, "postgres", "postgres")
        for parent in [folder, *folder.parents][:3]:
            parent.chmod(parent.stat().st_mode | 0o011)

    def run(*words: str) -> None:
        done = subprocess.run(
            [*as_owner, *words], cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}"

    run(program("initdb"), "-D", str(data), "-U", "prefect", "--auth=trust", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -k '' -c fsync=off"
    log = str(data / "log")
    run(program("pg_ctl"), "-D", str(data), "-o", options, "-l", log, "-w", "start")
    try:
        yield f"postgresql+asyncpg://prefect:any@127.0.0.1:{port}/postgres"
    finally:
        run(program("pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")

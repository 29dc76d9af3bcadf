"""A real PostgreSQL on loopback, with its data in a folder that goes with the test."""

import os
import shutil
import subprocess
import tempfile
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
def postgresql() -> Iterator[str]:
    """A server with an empty database; the address that SQLAlchemy takes."""
    # It refuses to run as root, and whoever runs it has to reach its folder: not pytest's.
    as_owner = ["runuser", "--user", "postgres", "--"] if os.geteuid() == 0 else []
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ganflow-postgres-") as folder:
        if as_owner:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"

        def run(*words: str) -> None:
            done = subprocess.run(
                [*as_owner, *words], cwd="/", capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}"

        run(program("initdb"), "-D", data, "-U", "prefect", "--auth=trust", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k '' -c fsync=off"
        run(program("pg_ctl"), "-D", data, "-o", options, "-l", f"{data}/log", "-w", "start")
        try:
            yield f"postgresql+asyncpg://prefect:any@127.0.0.1:{port}/postgres"
        finally:
            run(program("pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")

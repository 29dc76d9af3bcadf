"""Bring what another worker has made of the same inputs: `python -P run_cache.py STAGE...`

`dvc pull --run-cache` brings the notes on earlier runs, but not what came of them. `dvc repro
--pull` would, but it hands its environment, with the keys to the remote, on to the stage. So this
asks for the outputs in a process that runs no stage; `dvc repro` then finds them in the cache.

DVC has no command for it, and its Python interface is not documented:
tests/orchestration/test_transfer.py holds what is used here. Whatever goes wrong costs
no more than a stage that is run again.
"""

import sys


def main(names: list[str]) -> None:
    from dvc.repo import Repo
    from dvc.stage.cache import RunCacheNotFoundError

    with Repo() as repo, repo.lock:
        for name in names:
            stage = repo.stage.load_one(name=name)
            if not stage.changed():
                continue
            try:
                repo.stage_cache.restore(stage, pull=True)
            except RunCacheNotFoundError:
                return  # and so what the later stages read is not known either
            print(f"stage {name} was run elsewhere: its outputs are in the cache now")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Fetch what another worker made from the same inputs: `python -P run_cache.py STAGE...`

`dvc pull --run-cache` fetches the records of earlier runs, but not their outputs. `dvc repro
--pull` fetches them too, but passes its environment, with the keys of the remote, on to the
stages. So this script fetches the outputs in a process that runs no stage; `dvc repro` then finds
them in the cache.

DVC has no command for this, and its Python API is not documented. The calls used here are tested
by tests/orchestration/test_run_cache.py. If one fails, the stages only run again.
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
                return  # without its outputs the inputs of later stages are unknown
            print(f"stage {name} was run elsewhere: its outputs are now in the cache")


if __name__ == "__main__":
    main(sys.argv[1:])

"""What `ganflow init` writes into a project of one's own.

Most of it are files of ganflow's own repository, which a wheel holds in `repository/`, so there is
one copy of each. `project/` has what only other projects need.
"""

from pathlib import Path

_HERE = Path(__file__).parent
PROJECT = _HERE / "project"
REPOSITORY = _HERE / "repository"
if not REPOSITORY.is_dir():  # the package runs from a checkout
    REPOSITORY = _HERE.parents[2]

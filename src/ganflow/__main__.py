"""`python -m ganflow` is the command `ganflow`."""

import sys

from ganflow.cli import command

sys.exit(command())

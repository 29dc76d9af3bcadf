"""`python -m ganflow` is the command `ganflow`."""

import sys

from ganflow.cli import main

sys.exit(main())

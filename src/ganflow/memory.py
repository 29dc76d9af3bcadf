"""The memory of this process."""

import resource
import sys


def peak_memory() -> int:
    """The most memory that this process has had so far, in bytes."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else 1024 * found

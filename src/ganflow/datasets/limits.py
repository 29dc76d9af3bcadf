"""What an untrusted file may cost before it is refused.

They bound time and memory, and are far above what honest data needs.
"""

MAX_ROWS = 100_000_000
"""Images in one source."""

MAX_SIDE = 32_768
"""Pixels along one side of one image."""

MIN_SIDE = 4
"""Pixels along the shorter side: below it there is nothing to learn from."""

MAX_PIXELS = 50_000_000
"""Of one image: 150 MB as RGB, larger than any camera picture that is worth shrinking to 128."""

MAX_CLASSES = 10_000

FREE_INFLATION = 2**30
MAX_INFLATION = 200
"""A compressed stream may yield 1 GiB, and beyond that 200 times its own size."""

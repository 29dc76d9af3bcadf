"""What an untrusted file may cost before it is refused.

The limits bound time and memory, and are far above what honest data needs.
"""

MAX_ROWS = 100_000_000
"""Images in one array."""

MAX_FILES = 5_000_000
"""Files in one folder or archive."""

MAX_FILE = 2**26
"""Bytes of one encoded picture: 64 MiB."""

MAX_SIDE = 32_768
"""Pixels along one side of one image."""

MIN_SIDE = 4
"""Pixels along the shorter side: below it there is nothing to learn from."""

MAX_PIXELS = 50_000_000
"""Of one image: 150 MB as RGB, larger than any camera picture that is worth shrinking to 128."""

MAX_SCANS = 100
"""Of a progressive JPEG: each one passes over the whole image, and honest ones have about ten."""

MAX_SECONDS = 20
"""Of processor time for one picture."""

MAX_CLASSES = 10_000

MAX_NAME = 1000
"""Characters of a file's name with its folders."""

MAX_CLASS_NAME = 100

FREE_INFLATION = 2**30
MAX_INFLATION = 200
"""A compressed stream may yield 1 GiB, and beyond that 200 times its own size."""

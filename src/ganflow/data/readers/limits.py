"""Limits on time and memory for files that are not trusted, far above what real data needs."""

MAX_ROWS = 100_000_000
"""Images in one array."""

MAX_FILES = 5_000_000
"""Files in one folder or archive."""

MAX_FILE = 2**26
"""Bytes of one encoded picture: 64 MiB."""

MAX_SIDE = 32_768
"""Pixels along one side of one image of an array."""

MIN_SIDE = 4
"""Pixels along the shorter side: a smaller image holds nothing to learn from."""

MAX_PIXELS = 50_000_000
"""In one image of an array."""

MAX_DECODED = 2**28
"""Bytes of one picture when it is decoded: 89 megapixels in RGB. Several copies are made of it."""

MAX_JPEG = 250_000_000
"""Pixels of a JPEG, which its decoder shrinks while it reads."""

MAX_SCANS = 100
"""In a progressive JPEG. Each scan covers the whole image; real files have about ten."""

MAX_SECONDS = 20
"""Processor time for one picture."""

MAX_CLASSES = 10_000

MAX_NAME = 1000
"""Characters of a file's name with its folders."""

MAX_CLASS_NAME = 100

FREE_INFLATION = 2**30
MAX_INFLATION = 200
"""A compressed stream may expand to 1 GiB plus 200 times its own size."""

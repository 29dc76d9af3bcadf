"""A page and an HTTP API on loopback to play with a generator.

from ganflow.studio import serve
serve()
"""

from ganflow.studio.server import serve

__all__ = ["serve"]

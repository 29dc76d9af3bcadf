"""A page and an HTTP API on loopback to play with a generator.

from ganflow.studio import serve
serve()
"""

from collections.abc import Mapping
from pathlib import Path

from ganflow.base.paths import MODEL, PREPARED

__all__ = ["serve"]


def serve(
    host: str = "127.0.0.1",
    port: int = 8765,
    *,
    models: Mapping[str, Path] | None = None,
    prepared: Path | None = PREPARED,
    threads: int | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        host: the address to listen on; anything but loopback lets others in, without a password.
        port: 0 takes any free one; the address is printed.
        models: folders as the train stage writes them, by the names that the page shows. The
            first is the one that is asked when a request names none.
        prepared: where the training images lie, for the nearest ones; None goes without.
        threads: of TensorFlow; None takes every processor.

    Raises:
        GanflowError: the address cannot be listened on.
    """
    from ganflow.studio.server import listen

    listen(host, port, models or {"current": MODEL}, prepared, threads)

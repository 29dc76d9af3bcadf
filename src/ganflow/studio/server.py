"""Listening on an address."""

import logging
import socket
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from ganflow.base.errors import GanflowError
from ganflow.base.paths import MODEL, PREPARED, state_folder
from ganflow.live.run_folder import FOLDER
from ganflow.studio.guard import LOOPBACK, Guard
from ganflow.versions.doctor import is_loopback

LOGGER = logging.getLogger("ganflow")
MOST_THREADS = 256


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
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise GanflowError(
            f"{threads} threads", where="--threads", expected=f"a number from 1 to {MOST_THREADS}"
        )
    taken = bind(host, port)
    if not is_loopback(host):
        LOGGER.warning("warning: everyone who reaches %s can use the studio", host)
    print(f"ganflow studio: {address(taken)} (Ctrl-C ends it)", flush=True)

    from ganflow.base.runtime import RuntimeParams, configure, quiet_start

    with quiet_start():
        configure(RuntimeParams(threads=threads or "auto"))

        from ganflow.gan.saved import load_generator
        from ganflow.studio.app import create_app

    app = create_app(
        models or {"current": MODEL},
        load_generator,
        prepared,
        state_folder() / FOLDER,
        lambda: server.should_exit,
    )
    hosts = LOOPBACK if is_loopback(host) else None
    config = uvicorn.Config(
        Guard(app, hosts),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32 * 1024,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[taken])


def bind(host: str, port: int) -> socket.socket:
    """Take an address.

    Raises:
        GanflowError: it is taken, or not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        taken = socket.create_server(
            (host, port),
            family=family,
            backlog=2048,  # whoever comes while the model is being loaded waits, and is served
            dualstack_ipv6=family == socket.AF_INET6 and socket.has_dualstack_ipv6(),
        )
        # Accepted connections inherit it. asyncio sets it only where a socket's protocol is
        # given, which create_server does not do; without it an answer takes 40 ms.
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return taken
    except (OSError, OverflowError, UnicodeError) as error:
        raise GanflowError(
            f"the studio cannot listen there: {error}",
            where=f"{host}:{port}",
            expected="an address of this machine, and a port that nothing else listens on",
            run="ganflow studio --port 0 (takes any free port)",
        ) from None


def address(taken: socket.socket) -> str:
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

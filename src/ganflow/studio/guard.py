"""What every request must pass and every answer carries, whatever it is for."""

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
CLOSE = {"connection": "close"}

LONGEST_BODY = 64 * 1024
BODY_SECONDS = 10.0


class Guard:
    """Refuses foreign hosts and origins, long or slow bodies, and too many requests at once.

    A page elsewhere cannot reach the studio through the visitor's browser: a name that was
    made to point to loopback is not among `hosts`, and a foreign `Origin` is refused.

    Args:
        hosts: names the studio answers to; None answers to any.
        busiest: requests at work at once.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, busiest: int = 200) -> None:
        self.app, self.hosts, self.busiest = app, hosts, busiest
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        self.active += 1
        try:
            await self.app(scope, _bounded(receive), send_with_headers)
        finally:
            self.active -= 1

    def _refusal(self, headers: Headers) -> JSONResponse | None:
        """The answer to a request that is not let through."""
        host = headers.get("host", "")
        if self.hosts is not None and _name(host) not in self.hosts:
            sentence = f"the studio does not answer to the host {host[:80]!r}"
            return JSONResponse({"error": sentence}, 403, CLOSE)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return JSONResponse({"error": "requests from other pages are refused"}, 403, CLOSE)
        if self.active >= self.busiest:
            sentence = "too many requests at once; try again"
            return JSONResponse({"error": sentence}, 503, {"retry-after": "1", **CLOSE})
        return None


def _name(host: str) -> str:
    """The host without its port: `[::1]:80` and `localhost:80` alike."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _bounded(receive: Receive) -> Receive:
    """Receive a body of at most LONGEST_BODY bytes within BODY_SECONDS, and then wait for ever.

    What it raises, FastAPI's reading of the body passes on to the application's error handler.
    """
    size = 0
    deadline: float | None = asyncio.get_running_loop().time() + BODY_SECONDS

    async def receive_bounded() -> Message:
        nonlocal size, deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            sentence = "the request's body did not arrive in time"
            raise HTTPException(408, sentence, CLOSE) from None
        size += len(message.get("body", b""))
        if size > LONGEST_BODY:
            raise HTTPException(413, f"a body of more than {LONGEST_BODY} bytes", CLOSE)
        if not message.get("more_body"):
            deadline = None  # what comes now is that the client has gone
        return message

    return receive_bounded

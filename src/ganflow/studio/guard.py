"""What every request must pass and every answer carries, whatever it is for."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

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

LONGEST_BODY = 64 * 1024
BODY_SECONDS = 10.0


class Guard:
    """Turns away foreign hosts and origins, long bodies, and more requests than can be held.

    A page elsewhere cannot reach the studio through the visitor's browser: a name that was
    made to point to loopback is not among `hosts`, and a foreign `Origin` is refused.

    Args:
        hosts: names the studio answers to; None answers to any.
        busiest: requests at work at once.
    """

    def __init__(self, app: App, hosts: frozenset[str] | None, busiest: int = 200) -> None:
        self.app, self.hosts, self.busiest = app, hosts, busiest
        self.active = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
                return
            await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        send = _with_headers(send)
        host = headers.get("host", "")
        if self.hosts is not None and _name(host) not in self.hosts:
            await _answer(send, 403, f"the studio does not answer to the host {host[:80]!r}")
            return
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            await _answer(send, 403, "requests from other pages are refused")
            return
        if self.active >= self.busiest:
            await _answer(send, 503, "too many requests at once; try again", {"retry-after": "1"})
            return
        self.active += 1
        try:
            body = await asyncio.wait_for(_body(receive, headers), BODY_SECONDS)
            if body is None:
                await _answer(send, 413, f"a body of more than {LONGEST_BODY} bytes")
                return
            await self.app(scope, _replay(body, receive), send)
        except TimeoutError:
            await _answer(send, 408, "the request's body did not arrive in time")
        finally:
            self.active -= 1


def _name(host: str) -> str:
    """The host without its port: `[::1]:80` and `localhost:80` alike."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


async def _body(receive: Receive, headers: dict[str, str]) -> bytes | None:
    """The whole body, or None where it is too long."""
    claimed = headers.get("content-length", "0")
    if not claimed.isdigit() or len(claimed) > 9 or int(claimed) > LONGEST_BODY:
        return None
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LONGEST_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    first = True

    async def again() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [(n, v) for n, v in message.get("headers", ()) if n.decode() not in HEADERS]
            always = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*given, *always]}
        await send(message)

    return sending


async def _answer(
    send: Send, status: int, sentence: str, headers: dict[str, str] | None = None
) -> None:
    content = json.dumps({"error": sentence}).encode()
    shown = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        "connection": "close",
        **(headers or {}),
    }
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in shown.items()],
        }
    )
    await send({"type": "http.response.body", "body": content})

"""The training that runs, for the page /live: a stream of what is new, and pictures."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Response
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse

from ganflow.live.reading import LiveReader

SECONDS = 0.5
"""Between two looks at the folder."""

HEARTBEAT = 20
"""Looks without news after which a line is sent, so that a connection that is gone is noticed."""

MOST_VIEWERS = 50


def live_router(home: Path, ending: Callable[[], bool]) -> APIRouter:
    """The paths below /live, which are the page's own and no part of the API.

    Args:
        home: the folder with the runs, which need not be there.
        ending: whether the server is being ended, which streams must not hold up.
    """
    router = APIRouter(include_in_schema=False)
    viewers = 0

    async def told() -> AsyncIterator[str]:
        """Server-sent events: whoever reads slowly, or not at all, is waited for."""
        nonlocal viewers
        viewers += 1
        try:
            reader, quiet = LiveReader(home), 0
            while not ending():
                quiet += 1
                for message in reader.news():
                    quiet = 0
                    yield f"data: {json.dumps(message)}\n\n"
                if quiet % HEARTBEAT == 1:
                    yield "data: {}\n\n"
                await asyncio.sleep(SECONDS)
        finally:
            viewers -= 1

    @router.get("/live/events")
    async def events() -> StreamingResponse:
        if viewers >= MOST_VIEWERS:
            raise HTTPException(503, f"{viewers} pages watch already", {"Retry-After": "10"})
        return StreamingResponse(told(), media_type="text/event-stream")

    @router.get("/live/{run}/{images}.png")
    async def picture(
        run: Annotated[str, PathParameter(pattern=r"^[0-9A-Za-z-]+$")], images: int
    ) -> Response:
        try:
            content = (home / run / "pictures" / f"{images:012d}.png").read_bytes()
        except OSError:
            sentence = f"there is no picture of {run} after {images} images"
            raise HTTPException(404, sentence) from None
        return Response(content, media_type="image/png")

    return router

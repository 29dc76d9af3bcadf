"""A stage's progress lines as a progress bar in Prefect's page."""

import re
import time
from collections.abc import Callable
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

SECONDS_BETWEEN_UPDATES = 5.0
"""Each update is a request to the server, so updates are limited."""

_LINE = re.compile(r"progress: (?P<what>\S+) (?P<done>\d+)/(?P<total>\d+) (?P<rest>.*)")


def percentage(line: str) -> float | None:
    """The percentage in a line of `ganflow.base.progress`; None for any other line."""
    match = _LINE.fullmatch(line.strip())
    if not match or int(match["total"]) == 0:
        return None
    return min(100.0, 100 * int(match["done"]) / int(match["total"]))


class ProgressArtifact:
    """One progress artifact: the first progress line creates it, later lines update it."""

    def __init__(
        self,
        stage: str,
        seconds: float = SECONDS_BETWEEN_UPDATES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key = f"{stage}-progress".replace("_", "-")
        self.seconds, self.clock = seconds, clock
        self.artifact: UUID | None = None
        self.shown_at = 0.0

    def read(self, line: str) -> None:
        done = percentage(line)
        if done is None:
            return
        description = line.strip().removeprefix("progress: ")
        now = self.clock()
        if self.artifact is None:
            created = create_progress_artifact(done, self.key, description)
            self.artifact = cast(UUID, created)  # a coroutine only inside an event loop
        elif now - self.shown_at >= self.seconds or done >= 100:
            update_progress_artifact(self.artifact, done, description)
        else:
            return
        self.shown_at = now

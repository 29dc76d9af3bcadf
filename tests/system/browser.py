"""A real browser, watched: what it asks for, what it complains of, how it looks."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

SCREENS = Path(__file__).parents[2] / "build" / "screens"
"""Kept, to be looked at."""

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass
class Watched:
    """A page with everything it did that should not happen."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def serious_faults(self) -> list[str]:
        """What axe-core finds serious or critical, in words."""
        script = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
        self.page.evaluate(script)
        found = self.page.evaluate("axe.run()")["violations"]
        return [
            f"{fault['id']}: {fault['help']}: {[node['html'][:150] for node in fault['nodes']]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def picture(self, selector: str) -> str:
        """What an image shows, as text that differs when a pixel does."""
        return str(
            self.page.eval_on_selector(
                selector,
                """image => {
                    const canvas = document.createElement('canvas');
                    canvas.width = image.naturalWidth;
                    canvas.height = image.naturalHeight;
                    canvas.getContext('2d').drawImage(image, 0, 0);
                    return canvas.toDataURL();
                }""",
            )
        )

    def keep(self, name: str) -> None:
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


@contextmanager
def chromium() -> Iterator[Any]:
    """The distribution's Chromium, under Playwright."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "these proofs need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(
    browser: Any, own: str, viewport: dict[str, int] = DESK, scheme: str = "light"
) -> Iterator[Watched]:
    """A fresh page; whatever it asks for that does not begin with `own` is kept as outside."""
    context = browser.new_context(viewport=viewport, color_scheme=scheme, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(15_000)
    watch = Watched(page)
    page.on("console", lambda message: watch.complaints.append(message.text))
    page.on("pageerror", lambda error: watch.complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((own, "data:", "blob:"))
            else watch.outside.append(request.url)
        ),
    )
    try:
        yield watch
    finally:
        context.close()

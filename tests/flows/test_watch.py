"""New images are reported once."""

from collections.abc import Callable
from pathlib import Path

from ganflow.orchestration.flows.watch import watch
from tests.flows.conftest import Server

Here = Callable[[Path], None]


def test_new_images_count_once(shared: Path, here: Here, server: Server, tmp_path: Path) -> None:
    here(shared)
    arrivals = tmp_path / "arrivals"
    arrivals.mkdir()
    (arrivals / "1.png").write_text("1")

    def look() -> str:
        return str(watch(incoming=str(arrivals), enough=2, return_state=True).name)

    assert look() == "Unchanged", "the first check has nothing to compare with"
    (arrivals / "2.png").write_text("2")
    assert look() == "Unchanged", "one of two"
    (arrivals / "3.png").write_text("3")
    assert look() == "Changed"
    assert look() == "Unchanged", "reported once"
    (arrivals / "1.png").unlink()
    assert look() == "Unchanged", "a removed file is not new"

"""Alerts reach a webhook."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from ganflow.orchestration.alerts import set_up
from tests.flows.conftest import PATIENCE, Server, stop


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """The URL of a local webhook, and the messages it receives."""
    heard: list[str] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    chat = HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{chat.server_port}/hook", heard
    chat.shutdown()


def test_a_failed_run_is_sent_to_the_webhook(
    server: Server,
    deployed: Path,
    here: Callable[[Path], None],
    tmp_path: Path,
    cleanup: contextlib.ExitStack,
) -> None:
    here(deployed)
    cleanup.callback(stop, server.start_worker(tmp_path / "worker.log"))
    with listening() as (address, heard):
        names = set_up(address)
        assert set_up(address) == names, "a second time changes nothing"
        found = [a["name"] for a in server.ask("/automations/filter", {})]
        assert sorted(name for name in found if name in names) == sorted(names)
        (deployed / "params.yaml").write_text("sed: 1\n")
        run = ("deployment", "run", "pipeline/local", "--watch")
        server.prefect(*run, cwd=deployed, check=False)
        deadline = time.monotonic() + PATIENCE
        while not heard and time.monotonic() < deadline:
            time.sleep(0.2)
    assert "ganflow run failed" in heard[0]
    assert "unknown parameter" in heard[0]

"""The studio listens where it is told, on loopback unless told otherwise."""

import inspect
import socket

import pytest

from ganflow.base.errors import GanflowError
from ganflow.studio import serve
from ganflow.studio.server import address, bind, is_loopback


def test_loopback_is_the_default() -> None:
    assert is_loopback(inspect.signature(serve).parameters["host"].default)


HOSTS = {
    "127.0.0.1": True,
    "127.9.9.9": True,
    "::1": True,
    "localhost": True,
    "0.0.0.0": False,
    "::": False,
    "192.168.1.4": False,
    "example": False,
}


@pytest.mark.parametrize(("host", "local"), HOSTS.items())
def test_loopback_is_told_from_the_rest(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_any_free_port_is_taken_and_told() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address(taken) == f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_is_sent_without_waiting_for_more(host: str) -> None:
    try:
        taken = bind(host, 0)
    except GanflowError:
        pytest.skip(f"{host} is not an address of this machine")
    with taken, socket.create_connection(taken.getsockname()[:2]):
        accepted = taken.accept()[0]
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_said_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(GanflowError, match="cannot listen") as refused:
            bind("127.0.0.1", port)
    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "--port 0" in str(refused.value)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 8765), ("127.0.0.1", 70_000)])
def test_an_address_that_is_none_is_refused(host: str, port: int) -> None:
    with pytest.raises(GanflowError, match="cannot listen"):
        bind(host, port)


@pytest.mark.parametrize("threads", [0, -1, 1000])
def test_threads_are_bounded_before_anything_starts(threads: int) -> None:
    with pytest.raises(GanflowError, match=f"{threads} threads"):
        serve(port=0, threads=threads)

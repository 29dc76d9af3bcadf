"""Who trains with whom: what TF_CONFIG and `train.strategy` mean, and what is refused."""

import json
import socket
import threading
import time
from typing import Any

import pytest
import tensorflow as tf

from ganflow.base.errors import ParameterError, TrainingError
from ganflow.gan import workers
from ganflow.gan.workers import (
    SINGLE,
    Cluster,
    ClusterConfig,
    check_batch,
    make_workers,
    parse_tf_config,
)


def config(index: int = 0, kind: str = "worker", **cluster: list[str]) -> str:
    cluster = cluster or {"worker": ["a:1", "b:2"]}
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_the_first_worker_is_the_chief() -> None:
    found = parse_tf_config(config(1))
    assert found is not None
    assert found.index == 1
    assert list(found.addresses.values()) == ["a:1", "b:2"]


def test_a_chief_by_name_comes_first() -> None:
    found = parse_tf_config(config(0, worker=["b:2", "c:3"], chief=["a:1"]))
    assert found is not None
    assert found.index == 1
    assert list(found.addresses.values()) == ["a:1", "b:2", "c:3"]
    found = parse_tf_config(config(0, "chief", worker=["b:2", "c:3"], chief=["a:1"]))
    assert found is not None
    assert found.index == 0


@pytest.mark.parametrize("given", ["", "  ", "{}", '{"cluster": {}}', config(0, worker=["a:1"])])
def test_one_worker_is_none_among_others(given: str) -> None:
    assert parse_tf_config(given) is None


@pytest.mark.parametrize(
    "given",
    [
        "worker",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:2"]}}',
        '{"cluster": {"worker": 3}, "task": {"type": "worker", "index": 0}}',
        config(0, worker=["a:1", "b"]),
        config(0, worker=["a:1", "b:port"]),
        config(2),
        config(-1),
        config(0, "evaluator"),
    ],
)
def test_a_wrong_place_is_refused_with_a_right_one(given: str) -> None:
    with pytest.raises(ParameterError, match="TF_CONFIG") as error:
        parse_tf_config(given)
    assert '"task"' in str(error.value.expected)


@pytest.mark.parametrize(
    ("strategy", "given", "join", "said"),
    [
        ("multi_worker", "", False, "is not set"),
        ("multi_worker", config(0, worker=["a:1"]), False, "names one worker alone"),
        ("auto", "", True, "is not set"),
        ("single", config(1), True, "no other workers to join"),
        ("mirrored", config(1), True, "no other workers to join"),
        ("auto", config(1), False, "which follows the chief"),
        ("auto", config(0), True, "the chief, which joins nobody"),
        ("mirrored", "", False, "several GPUs"),
    ],
)
def test_what_does_not_fit_is_refused(
    strategy: Any, given: str, join: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", given)
    with pytest.raises(ParameterError, match=said):
        make_workers(strategy, join)


@pytest.mark.parametrize(
    ("strategy", "given"),
    [("auto", ""), ("single", ""), ("single", config(0)), ("auto", config(0, worker=["a:1"]))],
)
def test_alone(strategy: Any, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", given)
    assert make_workers(strategy) is SINGLE
    assert SINGLE.replicas == 1


def test_several_gpus_are_mirrored_and_a_worker_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine of these tests has one: TensorFlow is told that there are two."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0", "GPU:1"])
    asked = []
    monkeypatch.setattr(workers, "mirrored", lambda kind: asked.append(kind) or SINGLE.strategy)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    make_workers("auto")
    assert asked == ["GPU"]
    assert make_workers("single") is SINGLE
    monkeypatch.setenv("TF_CONFIG", config(0))
    with pytest.raises(ParameterError, match="sees 2 GPUs") as error:
        make_workers("auto")
    assert "CUDA_VISIBLE_DEVICES" in str(error.value)


def test_a_batch_must_divide_among_the_replicas() -> None:
    check_batch(64, 1)
    check_batch(64, 4)
    with pytest.raises(ParameterError, match="64 cannot be divided equally among 3") as error:
        check_batch(64, 3)
    assert error.value.expected == "63 or 66"
    with pytest.raises(ParameterError) as error:
        check_batch(2, 3)
    assert error.value.expected == "3"


def loopback(count: int) -> dict[str, str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return {f"/job:worker/task:{i}": f"127.0.0.1:{port}" for i, port in enumerate(ports)}


@pytest.mark.parametrize(
    ("index", "absent"), [(0, "worker 1 at .* and worker 2 at"), (2, "worker 0, the chief, at")]
)
def test_nobody_is_waited_for_without_end(
    index: int, absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WAIT_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(TrainingError, match=f"{absent} .*did not come within 0 seconds") as error:
        Cluster(ClusterConfig(loopback(3), f"/job:worker/task:{index}"))
    assert 0.4 < time.monotonic() - started < 30
    assert "ganflow train --join" in str(error.value.run)


def test_a_taken_port_is_named() -> None:
    addresses = loopback(2)
    port = int(addresses["/job:worker/task:0"].split(":")[1])
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(TrainingError, match=f"cannot listen at 127.0.0.1:{port}"),
    ):
        Cluster(ClusterConfig(addresses, "/job:worker/task:0"))


def test_all_have_come_before_tensorflow_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chief begins when the other two listen, and they when the chief does."""
    monkeypatch.setattr(workers, "WAIT_SECONDS", 30.0)
    addresses, begun = loopback(3), []

    class Begun(BaseException):
        """What TensorFlow would do next."""

    def begin() -> tf.distribute.Strategy:
        begun.append(threading.current_thread().name)
        if threading.current_thread().name == "0":
            port = int(addresses["/job:worker/task:0"].split(":")[1])
            listening.append(socket.create_server(("127.0.0.1", port)))
        raise Begun

    def work(index: int) -> None:
        with pytest.raises(Begun):
            Cluster(ClusterConfig(addresses, f"/job:worker/task:{index}"))

    listening: list[socket.socket] = []
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", begin)
    threads = [threading.Thread(target=work, args=(i,), name=str(i)) for i in (0, 2, 1)]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join(60)
    for each in listening:
        each.close()
    assert begun[0] == "0"
    assert sorted(begun) == ["0", "1", "2"]


class Table(Cluster):
    """A worker that is told the sums over all."""

    def __init__(self, index: int, others: list[dict[str, Any]]) -> None:
        self.config = ClusterConfig(loopback(len(others) + 1), f"/job:worker/task:{index}")
        self.replicas = len(others) + 1
        rows = [[workers._digest(part) for part in parts.values()] for parts in others]

        def summed(own: tf.Tensor) -> list[tf.Tensor]:
            return [own + tf.constant([*rows[:index], [0] * len(rows[0]), *rows[index:]], tf.int64)]

        self._sum = summed


def test_a_worker_with_other_inputs_is_named() -> None:
    right = {"seed": 0, "data": {"sha256": "a", "shape": [8, 8]}, "code": "c"}
    Table(1, [right, dict(right)]).check_inputs(right)
    other = {**right, "data": {"sha256": "b", "shape": [8, 8]}, "code": "d"}
    for index in (0, 1):
        with pytest.raises(
            TrainingError, match=r"worker 2 at .* and the chief differ in data and code"
        ):
            Table(index, [right, other]).check_inputs(right)
    with pytest.raises(
        TrainingError, match=r"worker 1 at .* and the chief differ in data and code"
    ):
        Table(1, [right, right]).check_inputs(other)

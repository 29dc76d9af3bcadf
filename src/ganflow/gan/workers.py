"""The processes and devices that train together; most often there is one of each.

With `TF_CONFIG` several processes play the same game, each as one replica of it (see
`ganflow.gan.replicas`). The first is the chief, the stage that DVC started: it alone reads
and writes checkpoints, measures snapshots, decides and has outputs. The others begin with its
state, play each block of steps with it, and end when it says so or when one of them is lost.
"""

import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ganflow.base.errors import ParameterError, TrainingError
from ganflow.config.train import Strategy

WAIT_SECONDS = float(os.environ.get("GANFLOW_WAIT_SECONDS", "600"))
"""How long workers wait for one another before the first step."""

AGAIN = (
    "start the chief with dvc repro train, which goes on from its last checkpoint if it has one, "
    "and every other worker with python -m ganflow train --join"
)


class Workers:
    """This process alone, on one device or on several.

    Attributes:
        strategy: in whose scope the game is to be made.
        replicas: into how many parts a batch is cut.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self.replicas = int(strategy.num_replicas_in_sync)

    def meet(self, parts: Mapping[str, Any]) -> None:
        """Wait for all, and see that they are about to play the same game.

        Args:
            parts: what has to be the same, as JSON can hold it, by the name to report it under.

        Raises:
            TrainingError: one did not come, or one of its `parts` is another than the chief's.
        """

    def begin(self, state: Mapping[str, tf.Variable], done: int) -> int:
        """Give the chief's variables to all, and return the steps that it has done."""
        return done

    def go_on(self, wish: bool = True) -> bool:
        """Whether another block is to be played: the chief's wish, heard by all."""
        return wish

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold all to the block.

        Raises:
            TrainingError: when a worker is lost inside it, and which.
        """
        yield


ALONE = Workers(tf.distribute.get_strategy())
"""On one device."""


@dataclass(frozen=True)
class Place:
    """A process's place among others, as `TF_CONFIG` says.

    Attributes:
        addresses: host:port of each by its task, such as /job:worker/task:1; the chief first.
        task: this one's.
    """

    addresses: dict[str, str]
    task: str

    @property
    def index(self) -> int:
        return list(self.addresses).index(self.task)


class Cluster(Workers):
    """This process and others, over TensorFlow's own collective operations.

    TensorFlow would wait for absent workers without end and without a word, so all are first
    seen to be there: the others listen at their addresses until the chief, who has seen them
    all, listens at its own.

    Args:
        place: of this process.

    Raises:
        TrainingError: a worker did not come in time, or this one's port is taken.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        tasks = list(place.addresses)
        with self._own_port() as port:
            if place.index:
                port.listen()
            self._wait_for(tasks[:1] if place.index else tasks[1:])
        super().__init__(tf.distribute.MultiWorkerMirroredStrategy())
        self._sum = tf.function(lambda *values: self.strategy.run(_summed, values))

    def meet(self, parts: Mapping[str, Any]) -> None:
        rows = np.zeros((self.replicas, len(parts)), np.int64)
        rows[self.place.index] = [_digest(part) for part in parts.values()]
        rows = self._sum(tf.constant(rows))[0].numpy()
        for task, row in zip(self.place.addresses, rows, strict=True):
            wrong = [part for part, same in zip(parts, row == rows[0], strict=True) if not same]
            if wrong:
                raise TrainingError(
                    f"{self._named([task])} and the chief differ in {' and '.join(wrong)}",
                    where="train",
                    expected="the same params.yaml, data, code and precision on all workers",
                    run="check out one revision on all, with git checkout and dvc checkout; where "
                    "processors differ, name runtime.precision in params.yaml. Then " + AGAIN,
                )

    def begin(self, state: Mapping[str, tf.Variable], done: int) -> int:
        for dtype in sorted({variable.dtype.name for variable in state.values()}):
            variables = [v for v in state.values() if v.dtype.name == dtype]
            carried = tf.int64 if variables[0].dtype.is_integer else variables[0].dtype
            values = self._chiefs([tf.cast(v, carried) for v in variables])
            for variable, value in zip(variables, values, strict=True):
                variable.assign(tf.cast(value, variable.dtype))
        (done,) = self._chiefs([tf.constant(done, tf.int64)])
        return int(done)

    def go_on(self, wish: bool = True) -> bool:
        (word,) = self._chiefs([tf.constant(int(wish), tf.int64)])
        return bool(word)

    @contextmanager
    def together(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            if not re.search("collective|coordination", error.message, re.IGNORECASE):
                raise
            tasks = self._tasks_in(error.message)
            how = "was lost: it has" if len(tasks) < 2 else "were lost: they have"
            raise self._lost(tasks, f"{how} ended, or cannot be reached") from None

    def _chiefs(self, values: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """The chief's values, of one type, on all."""
        if self.place.index:
            values = [tf.zeros_like(value) for value in values]
        return self._sum(*values)  # type: ignore[no-any-return]

    @contextmanager
    def _own_port(self) -> Iterator[socket.socket]:
        address = self.place.addresses[self.place.task]
        try:
            port = socket.socket()
            port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port.bind(("", _host_and_port(address)[1]))
        except OSError as error:
            raise TrainingError(
                f"this worker cannot listen at {address}: {error.strerror}",
                where="TF_CONFIG",
                expected="a port that no other process has",
                run="end that process, or name another port on all workers; then " + AGAIN,
            ) from None
        with port:
            yield port

    def _wait_for(self, tasks: Sequence[str]) -> None:
        end = time.monotonic() + WAIT_SECONDS
        absent = list(tasks)
        print(f"waiting for {self._named(absent)}", flush=True)
        while absent := [task for task in absent if not _answers(self.place.addresses[task])]:
            if time.monotonic() > end:
                raise self._lost(absent, f"did not come within {WAIT_SECONDS:.0f} seconds")
            time.sleep(0.2)

    def _tasks_in(self, message: str) -> list[str]:
        """The other tasks that a message of TensorFlow's speaks of, or else those not there."""
        others = [task for task in self.place.addresses if task != self.place.task]
        plain = message.replace("/replica:0", "")
        return [task for task in others if re.search(rf"{task}\b", plain)] or [
            task for task in others if not _answers(self.place.addresses[task])
        ]

    def _lost(self, tasks: Sequence[str], how: str) -> TrainingError:
        return TrainingError(
            f"{self._named(tasks) or 'another worker'} {how}",
            where="train",
            expected="every worker that TF_CONFIG names, from the first step to the last",
            run=AGAIN,
        )

    def _named(self, tasks: Sequence[str]) -> str:
        order = list(self.place.addresses)
        return " and ".join(
            f"worker {order.index(task)}{'' if order.index(task) else ', the chief,'} "
            f"at {self.place.addresses[task]}"
            for task in tasks
        )


def gathered(strategy: Strategy, join: bool = False) -> Workers:
    """The workers that `train.strategy` means here; several need TensorFlow not to have begun.

    Args:
        join: whether this process follows a chief's, and has no outputs of its own.

    Raises:
        ParameterError: the strategy does not fit this machine or `TF_CONFIG`.
        TrainingError: the chief cannot be reached.
    """
    if join and strategy in ("single", "mirrored"):
        raise _no_place(f"train.strategy: {strategy} has no other workers to join")
    given = os.environ.get("TF_CONFIG", "") if strategy in ("auto", "multi_worker") else ""
    place = place_in(given)
    if place is None and (strategy == "multi_worker" or join):
        raise _no_place(f"TF_CONFIG {'names one worker alone' if given else 'is not set'}")
    gpus = tf.config.list_physical_devices("GPU")
    if place is not None:
        if bool(place.index) != join:
            raise _no_place(
                f"TF_CONFIG makes this process {place.task}, "
                + ("which follows the chief" if place.index else "the chief, which joins nobody")
            )
        if len(gpus) > 1:
            raise ParameterError(
                f"this worker sees {len(gpus)} GPUs, and a worker plays on one",
                where="CUDA_VISIBLE_DEVICES",
                expected="one worker a GPU, each with its own number there",
                run="set CUDA_VISIBLE_DEVICES=0 (or 1, ...) and start this worker again",
            )
        return Cluster(place)
    if strategy == "mirrored" or (strategy == "auto" and len(gpus) > 1):
        return Workers(mirrored("GPU"))
    return ALONE


def mirrored(kind: str) -> tf.distribute.Strategy:
    """All devices of a kind in this process, with sums that one of them makes, always alike.

    Raises:
        ParameterError: there are not several.
    """
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(devices) < 2:
        raise ParameterError(
            f"train.strategy: mirrored plays on several GPUs, and TensorFlow sees {len(devices)}",
            where="params.yaml",
            expected="auto, which takes what there is, or single",
            run="edit params.yaml, then dvc repro",
        )
    return tf.distribute.MirroredStrategy(
        [name.replace("/device:", "") for name in devices],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def place_in(config: str) -> Place | None:
    """What a `TF_CONFIG` says; None if it is empty or names one process alone.

    Raises:
        ParameterError: it is not JSON, or not of workers with a task among them.
    """
    if not config.strip():
        return None
    try:
        read = json.loads(config)
        addresses = {
            f"/job:{job}/task:{number}": str(address)
            for job in ("chief", "worker")
            for number, address in enumerate(read["cluster"].get(job, []))
        }
        task = f"/job:{read['task']['type']}/task:{int(read['task']['index'])}"
        for address in addresses.values():
            _host_and_port(address)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _no_place("TF_CONFIG cannot be read") from None
    if task not in addresses:
        raise _no_place(f"TF_CONFIG makes this process {task}, which its cluster has not")
    return Place(addresses, task) if len(addresses) > 1 else None


def check_share(batch: int, replicas: int) -> None:
    """Refuse a batch that cannot be cut into equal parts.

    Raises:
        ParameterError: naming the nearest batches that can.
    """
    if batch % replicas:
        less = batch // replicas * replicas
        raise ParameterError(
            f"train.batch: {batch} cannot be cut into {replicas} equal parts, one a replica",
            where="params.yaml",
            expected=" or ".join(str(n) for n in (less, less + replicas) if n),
            run="edit params.yaml, then dvc repro",
        )


def _no_place(what: str) -> ParameterError:
    return ParameterError(
        what,
        where="TF_CONFIG",
        expected='{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", '
        '"index": 0}} for the chief, which dvc repro train starts, and index 1 or more with '
        "python -m ganflow train --join",
        run="set TF_CONFIG as docs/several-machines.md shows, then start this again",
    )


def _summed(*values: tf.Tensor) -> list[tf.Tensor]:
    """Tensors of one type to their sums over the workers."""
    ring = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING
    )
    here = [tf.identity(value) for value in values]  # on this replica's device
    return tf.distribute.get_replica_context().all_reduce("sum", here, ring)  # type: ignore[no-any-return]


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _answers(address: str) -> bool:
    """Whether anything listens there."""
    try:
        socket.create_connection(_host_and_port(address), timeout=2).close()
    except OSError:
        return False
    return True


def _digest(part: Any) -> int:
    digest = hashlib.sha256(json.dumps(part, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:7], "little")

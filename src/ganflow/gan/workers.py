"""The processes and devices of one training: usually one process on one device.

With `TF_CONFIG`, several processes train the same networks, each as one replica (see
`ganflow.gan.replicas`). The first is the chief, which is the stage that DVC started. Only the chief
reads and writes checkpoints, evaluates snapshots, decides when to stop, and writes outputs. The
other workers start from its state, train each block of steps with it, and end when the chief ends
or a worker is lost.
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
from ganflow.base.runtime import RuntimeParams, configure
from ganflow.config.train import Strategy, TrainParams

WAIT_SECONDS = float(os.environ.get("GANFLOW_WAIT_SECONDS", "600"))
"""How long workers wait for each other before the first step."""

RESTART = (
    "start the chief with dvc repro train, which goes on from its last checkpoint if it has one, "
    "and every other worker with python -m ganflow train --join"
)


class Workers:
    """A single process, on one device or several.

    Attributes:
        strategy: the strategy in whose scope the trainer must be made.
        replicas: the number of shards of a batch.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self.replicas = int(strategy.num_replicas_in_sync)

    def check_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Check that all workers have the same inputs.

        Args:
            inputs: JSON values by the name that an error uses.

        Raises:
            TrainingError: a worker is missing, or has other inputs than the chief.
        """

    def broadcast_state(self, state: Mapping[str, tf.Variable], step: int) -> int:
        """Set all workers' variables to the chief's, and return the chief's step."""
        return step

    def broadcast_continue(self, value: bool = True) -> bool:
        """Tell all workers whether the chief trains another block, and return it."""
        return value

    @contextmanager
    def reporting_lost_workers(self) -> Iterator[None]:
        """Turn TensorFlow's errors about lost workers into one that names them.

        Raises:
            TrainingError: a worker was lost inside the block.
        """
        yield


SINGLE = Workers(tf.distribute.get_strategy())
"""One process on one device."""


@dataclass(frozen=True)
class ClusterConfig:
    """What `TF_CONFIG` says.

    Attributes:
        addresses: host:port of every task, such as /job:worker/task:1; the chief first.
        task: the task of this process.
    """

    addresses: dict[str, str]
    task: str

    @property
    def index(self) -> int:
        return list(self.addresses).index(self.task)


class Cluster(Workers):
    """Several processes, connected by TensorFlow's collective operations.

    TensorFlow waits for missing workers forever and prints nothing. So the workers check first that
    all are there: the others listen at their addresses until the chief has reached every one of
    them and listens at its own.

    Raises:
        TrainingError: a worker did not start in time, or the port of this one is in use.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        tasks = list(config.addresses)
        with self._bound_port() as port:
            if config.index:
                port.listen()
            self._wait_for(tasks[:1] if config.index else tasks[1:])
        super().__init__(tf.distribute.MultiWorkerMirroredStrategy())
        self._sum = tf.function(lambda *values: self.strategy.run(_all_reduce_sum, values))

    def check_inputs(self, inputs: Mapping[str, Any]) -> None:
        rows = np.zeros((self.replicas, len(inputs)), np.int64)
        rows[self.config.index] = [_digest(value) for value in inputs.values()]
        rows = self._sum(tf.constant(rows))[0].numpy()
        for task, row in zip(self.config.addresses, rows, strict=True):
            wrong = [name for name, same in zip(inputs, row == rows[0], strict=True) if not same]
            if wrong:
                raise TrainingError(
                    f"{self._names([task])} and the chief differ in {' and '.join(wrong)}",
                    where="train",
                    expected="the same params.yaml, data, code and precision on all workers",
                    run="check out one revision on all, with git checkout and dvc checkout; where "
                    "processors differ, name runtime.precision in params.yaml. Then " + RESTART,
                )

    def broadcast_state(self, state: Mapping[str, tf.Variable], step: int) -> int:
        for dtype in sorted({variable.dtype.name for variable in state.values()}):
            variables = [v for v in state.values() if v.dtype.name == dtype]
            carried = tf.int64 if variables[0].dtype.is_integer else variables[0].dtype
            values = self._broadcast([tf.cast(v, carried) for v in variables])
            for variable, value in zip(variables, values, strict=True):
                variable.assign(tf.cast(value, variable.dtype))
        (chief_step,) = self._broadcast([tf.constant(step, tf.int64)])
        return int(chief_step)

    def broadcast_continue(self, value: bool = True) -> bool:
        (chief_value,) = self._broadcast([tf.constant(int(value), tf.int64)])
        return bool(chief_value)

    @contextmanager
    def reporting_lost_workers(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            if not re.search("collective|coordination", error.message, re.IGNORECASE):
                raise
            tasks = self._failed_tasks(error.message)
            how = "was lost: it has" if len(tasks) < 2 else "were lost: they have"
            raise self._error(tasks, f"{how} ended, or cannot be reached") from None

    def _broadcast(self, values: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """The chief's values, all of one dtype, on every worker."""
        if self.config.index:
            values = [tf.zeros_like(value) for value in values]
        return self._sum(*values)  # type: ignore[no-any-return]

    @contextmanager
    def _bound_port(self) -> Iterator[socket.socket]:
        address = self.config.addresses[self.config.task]
        try:
            port = socket.socket()
            port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port.bind(("", _host_and_port(address)[1]))
        except OSError as error:
            raise TrainingError(
                f"this worker cannot listen at {address}: {error.strerror}",
                where="TF_CONFIG",
                expected="a port that no other process has",
                run="end that process, or name another port on all workers; then " + RESTART,
            ) from None
        with port:
            yield port

    def _wait_for(self, tasks: Sequence[str]) -> None:
        end = time.monotonic() + WAIT_SECONDS
        absent = list(tasks)
        print(f"waiting for {self._names(absent)}", flush=True)
        while absent := [task for task in absent if not _is_listening(self.config.addresses[task])]:
            if time.monotonic() > end:
                raise self._error(absent, f"did not come within {WAIT_SECONDS:.0f} seconds")
            time.sleep(0.2)

    def _failed_tasks(self, message: str) -> list[str]:
        """The tasks that a message of TensorFlow names; if none, those that do not answer."""
        others = [task for task in self.config.addresses if task != self.config.task]
        plain = message.replace("/replica:0", "")
        return [task for task in others if re.search(rf"{task}\b", plain)] or [
            task for task in others if not _is_listening(self.config.addresses[task])
        ]

    def _error(self, tasks: Sequence[str], how: str) -> TrainingError:
        return TrainingError(
            f"{self._names(tasks) or 'another worker'} {how}",
            where="train",
            expected="every worker that TF_CONFIG names, from the first step to the last",
            run=RESTART,
        )

    def _names(self, tasks: Sequence[str]) -> str:
        order = list(self.config.addresses)
        return " and ".join(
            f"worker {order.index(task)}{'' if order.index(task) else ', the chief,'} "
            f"at {self.config.addresses[task]}"
            for task in tasks
        )


def start_workers(
    runtime: RuntimeParams, train: TrainParams, join: bool = False, strict: bool = True
) -> Workers:
    """Set up TensorFlow, and make the workers.

    Args:
        strict: as in `ganflow.base.runtime.configure`.
    """
    workers: Workers = configure(runtime, lambda: make_workers(train.strategy, join), strict)
    check_batch(train.batch, workers.replicas)
    return workers


def make_workers(strategy: Strategy, join: bool = False) -> Workers:
    """Make the workers for `train.strategy` on this machine.

    It must be called before TensorFlow is set up, because a cluster needs that.

    Args:
        join: whether this process follows a chief and has no outputs.

    Raises:
        ParameterError: the strategy does not fit this machine or `TF_CONFIG`.
        TrainingError: the chief cannot be reached.
    """
    if join and strategy in ("single", "mirrored"):
        raise _config_error(f"train.strategy: {strategy} has no other workers to join")
    given = os.environ.get("TF_CONFIG", "") if strategy in ("auto", "multi_worker") else ""
    config = parse_tf_config(given)
    if config is None and (strategy == "multi_worker" or join):
        raise _config_error(f"TF_CONFIG {'names one worker alone' if given else 'is not set'}")
    gpus = tf.config.list_physical_devices("GPU")
    if config is not None:
        if bool(config.index) != join:
            raise _config_error(
                f"TF_CONFIG makes this process {config.task}, "
                + ("which follows the chief" if config.index else "the chief, which joins nobody")
            )
        if len(gpus) > 1:
            raise ParameterError(
                f"this worker sees {len(gpus)} GPUs, and a worker uses one",
                where="CUDA_VISIBLE_DEVICES",
                expected="one worker a GPU, each with its own number there",
                run="set CUDA_VISIBLE_DEVICES=0 (or 1, ...) and start this worker again",
            )
        return Cluster(config)
    if strategy == "mirrored" or (strategy == "auto" and len(gpus) > 1):
        return Workers(mirrored("GPU"))
    return SINGLE


def mirrored(kind: str) -> tf.distribute.Strategy:
    """A strategy for all devices of a kind in this process.

    One device computes the sums, so that they are added in the same order every time.

    Raises:
        ParameterError: there are fewer than two.
    """
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(devices) < 2:
        raise ParameterError(
            f"train.strategy: mirrored needs several GPUs, and TensorFlow sees {len(devices)}",
            where="params.yaml",
            expected="auto, which takes what there is, or single",
            run="edit params.yaml, then dvc repro",
        )
    return tf.distribute.MirroredStrategy(
        [name.replace("/device:", "") for name in devices],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def parse_tf_config(text: str) -> ClusterConfig | None:
    """Parse the value of `TF_CONFIG`; None if it names no other process.

    Raises:
        ParameterError: it is not JSON, or does not have workers and one of their tasks.
    """
    if not text.strip():
        return None
    try:
        read = json.loads(text)
        if not read.get("cluster"):
            return None
        addresses = {
            f"/job:{job}/task:{number}": str(address)
            for job in ("chief", "worker")
            for number, address in enumerate(read["cluster"].get(job, []))
        }
        task = f"/job:{read['task']['type']}/task:{int(read['task']['index'])}"
        for address in addresses.values():
            _host_and_port(address)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _config_error("TF_CONFIG cannot be read") from None
    if task not in addresses:
        raise _config_error(f"TF_CONFIG makes this process {task}, which is not in its cluster")
    return ClusterConfig(addresses, task) if len(addresses) > 1 else None


def check_batch(batch: int, replicas: int) -> None:
    """Check that a batch can be divided among the replicas.

    Raises:
        ParameterError: with the nearest sizes that can.
    """
    if batch % replicas:
        less = batch // replicas * replicas
        raise ParameterError(
            f"train.batch: {batch} cannot be divided equally among {replicas} replicas",
            where="params.yaml",
            expected=" or ".join(str(n) for n in (less, less + replicas) if n),
            run="edit params.yaml, then dvc repro",
        )


def _config_error(what: str) -> ParameterError:
    return ParameterError(
        what,
        where="TF_CONFIG",
        expected='{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", '
        '"index": 0}} for the chief, which dvc repro train starts, and index 1 or more with '
        "python -m ganflow train --join",
        run="set TF_CONFIG as docs/several-machines.md shows, then start this again",
    )


def _all_reduce_sum(*values: tf.Tensor) -> list[tf.Tensor]:
    """The sums of tensors of one dtype over the workers."""
    ring = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING
    )
    here = [tf.identity(value) for value in values]  # on this replica's device
    return tf.distribute.get_replica_context().all_reduce("sum", here, ring)  # type: ignore[no-any-return]


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _is_listening(address: str) -> bool:
    """Whether a process listens at the address."""
    try:
        socket.create_connection(_host_and_port(address), timeout=2).close()
    except OSError:
        return False
    return True


def _digest(value: Any) -> int:
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:7], "little")

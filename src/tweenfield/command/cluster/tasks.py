"""Ray's tasks: where they run, what they may take, and how often they are tried."""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar, final

from tweenfield.errors import ClusterError, TweenfieldError, UsageError

T = TypeVar("T")
R = TypeVar("R")

# A fresh cluster on this machine.
LOCAL = "local"
# How often a task is tried at most, and how long a cluster is waited for, in seconds.
TRIES, _ANSWERS = 3, 10


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a task takes of its machine.

    Attributes:
        threads: processors, and the threads with which it computes.
        gpus: GPUs that it has to itself.
        memory: bytes.
    """

    threads: int
    gpus: int = 0
    memory: int

    def fits(self, machine: Mapping[str, float]) -> bool:
        """Whether a machine with these of Ray's resources can ever run it."""
        wanted = {"CPU": self.threads, "GPU": self.gpus, "memory": self.memory}
        return all(machine.get(name, 0) >= amount for name, amount in wanted.items())

    def __str__(self) -> str:
        gpus = f", {self.gpus} GPU" if self.gpus else ""
        return f"{self.threads} processors (OMP_NUM_THREADS){gpus} and {self.memory / 2**30:.1f} GiB"


@final
@dataclass(frozen=True, kw_only=True)
class Failed:
    """What a task ended with that made no result: a sentence."""

    reason: str


@final
@dataclass(frozen=True)
class _Done(Generic[R]):
    result: R


class _Unseen:
    """Files that the task needs can't be seen from where it ran."""


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The cluster at HOST:PORT, or one of this machine's own processes that ends with the block (``local``).

    Nothing reaches stdout within the block.

    Raises:
        UsageError: Ray isn't installed, or ``address`` is neither.
        ClusterError: no cluster answers there, or one of other versions.
    """
    try:
        # Nothing is told to anyone.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--ray needs the package {error.name}; install it with pip install 'tweenfield[ray]'"
        ) from error
    if address != LOCAL:
        _check_answers(address)
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address,
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())
        raise ClusterError(
            f"{address}: Ray can't be used there ({said}); check the address, and set RAY_AUTH_MODE=token if "
            "the cluster was started with a token"
        ) from error
    # Ray takes SIGTERM for itself, and would end this process on the spot.
    signal.signal(signal.SIGTERM, on_sigterm)
    # Ray tells of each try and each lost machine on stdout, which is for results.
    with redirect_stdout(io.StringIO()):
        try:
            yield Cluster(gpus=ray.cluster_resources().get("GPU", 0) >= 1)
        finally:
            ray.shutdown()


def _check_answers(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not re.fullmatch(r"[\w.\-]+|\[[0-9a-fA-F:]+\]", host) or not port.isdecimal():
        raise UsageError(
            f"--ray {address} is no address; give HOST:PORT of the head node, such as 10.0.0.5:6379, or local"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWERS).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"--ray {address}: nothing answers there ({error}); start Ray with "
            f"ray start --head --port {port}, or check the address"
        ) from error


@final
@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What tasks are given to.

    Attributes:
        gpus: whether any of its machines has one.
    """

    gpus: bool
    _sent: dict[str, Any] = field(default_factory=dict)

    def run(
        self, work: Callable[[T], R], items: Sequence[T], need: Callable[[T], Need]
    ) -> Iterator[tuple[int, R | Failed]]:
        """The results of ``work`` on each item, with the item's number, as they arrive.

        The value ``work`` is sent to each machine once, however many items there are. Files that it or an
        item names as a ``Path`` are read where they are if the machine sees the same ones there; otherwise
        they are sent, through the object store. What a lost machine or process was at is done again, and so
        is what failed, ``TRIES`` times in all; a ``TweenfieldError`` would come again, and isn't.
        """
        import ray

        from tweenfield.command.cluster.luggage import pack

        luggage = pack(work)
        shared = ray.put(luggage)
        bags = [pack(item) for item in items]
        needs = [need(item) for item in items]
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]

        def begin(number: int, *, send: bool) -> Any:
            files = [*luggage.files, *bags[number].files]
            sent = {place: self._send(place) for place in files} if send else None
            own = needs[number]
            task = ray.remote(
                num_cpus=own.threads,
                num_gpus=own.gpus,
                memory=own.memory,
                max_retries=TRIES - 1,
                retry_exceptions=True,
            )(_task)
            return task.remote(shared, bags[number], sent, own.threads, version("tweenfield"))

        waiting = {}
        for number, own in enumerate(needs):
            if any(own.fits(machine) for machine in machines):
                waiting[begin(number, send=False)] = number
            else:
                yield number, Failed(reason=f"it needs {own}, which no machine of the cluster has")
        while waiting:
            (ready, *_), _ = ray.wait(list(waiting), num_returns=1)
            number = waiting.pop(ready)
            try:
                outcome = ray.get(ready)
            except ray.exceptions.RayError as error:
                yield number, Failed(reason=f"it failed {TRIES} times, at last with: {_sentence(error)}")
                continue
            if isinstance(outcome, _Unseen):
                waiting[begin(number, send=True)] = number
            else:
                yield number, outcome.result if isinstance(outcome, _Done) else outcome

    def _send(self, place: str) -> Any:
        """A reference to the files at ``place``, which are put into the object store once."""
        import ray

        from tweenfield.storage.parcel import packed

        if place not in self._sent:
            self._sent[place] = ray.put(packed(Path(place)))
        return self._sent[place]


def use_threads(count: int) -> None:
    """Compute with so many threads in this process."""
    import cv2
    import torch

    torch.set_num_threads(count)
    cv2.setNumThreads(count)


def _task(shared: Any, bag: Any, sent: dict[str, Any] | None, threads: int, release: str) -> Any:
    """What is done on the other machine."""
    import ray

    from tweenfield.command.cluster.luggage import Absent, unpacked

    if release != version("tweenfield"):
        return Failed(
            reason=f"a node has tweenfield {version('tweenfield')}, not {release}; install the same on all"
        )
    use_threads(threads)
    get = None if sent is None else lambda place: ray.get(sent[place])
    names: dict[str, str] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            opened = _opened(shared, get)
            item, own = unpacked(bag, get, Path(folder))
            names = opened.names | own
            return _Done(opened.work(item))
    except Absent:
        return _Unseen()
    except TweenfieldError as error:
        said = str(error)
        for path, name in names.items():
            said = said.replace(path, name)
        return Failed(reason=said)


@final
class _Opened:
    """What this process was given last, with its files: it comes with each of its tasks."""

    def __init__(self, luggage: Any, get: Callable[[str], Any] | None) -> None:
        from tweenfield.command.cluster.luggage import unpacked

        self.content = luggage.content
        self._folder = tempfile.TemporaryDirectory()
        self.work, self.names = unpacked(luggage, get, Path(self._folder.name))


_last: _Opened | None = None


def _opened(luggage: Any, get: Callable[[str], Any] | None) -> _Opened:
    global _last  # noqa: PLW0603  # a process is given one task after the other
    if _last is None or _last.content != luggage.content:
        _last = _Opened(luggage, get)
    return _last


def _sentence(error: BaseException) -> str:
    """What went wrong, without where: the end of a traceback, or the beginning of what Ray explains."""
    import ray

    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1 if isinstance(error, ray.exceptions.RayTaskError) else 0]

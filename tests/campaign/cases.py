"""Damaged files by the hundred: each is made, read by a command and judged in a process of its own kind.

A process takes a chunk of cases, so that one that crashes or hangs is noticed and costs only itself.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from campaign.judging import SECONDS, judged
from campaign.mutations import mutated
from campaign.seeds import Seed

# Memory that reading a damaged file of some kilobytes may take beyond what the libraries have.
_MEMORY = 3 << 30
_HANGS = 4 * SECONDS


class Case(NamedTuple):
    """The ``number``-th damage to a seed."""

    seed: str
    number: int


def cases_of(seeds: dict[str, Seed], count: int) -> list[Case]:
    """So many cases, spread evenly over all formats."""
    names = list(seeds)
    return [Case(names[k % len(names)], k // len(names)) for k in range(count)]


def run_cases(
    seeds: dict[str, Seed], cases: Sequence[Case], chunk: int = 50
) -> Iterator[tuple[Case, list[str]]]:
    """Each case and what is wrong with how its command ended."""
    # As the command sets it before OpenCV is loaded.
    os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["campaign.cases", "tweenfield.command.app", "tweenfield.fitting.presets", "torch._dynamo"]
    )
    left = list(cases)
    while left:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(seeds, left[:chunk], theirs))
        worker.start()
        theirs.close()
        for case in left[:chunk]:
            try:
                wrong = ours.recv() if ours.poll(_HANGS) else ["hangs"]
            except EOFError:
                worker.join(10)
                wrong = [f"ended the process with {worker.exitcode}"]
            yield case, wrong
            left.remove(case)
            if wrong and wrong[0].startswith(("hangs", "ended")):
                break
        worker.kill()
        worker.join()


def _work(seeds: dict[str, Seed], cases: Sequence[Case], to: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _MEMORY, size + _MEMORY))
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            to.send(judged_case(seeds, case, Path(folder) / "case"))


def judged_case(seeds: dict[str, Seed], case: Case, folder: Path) -> list[str]:
    """Make the case in ``folder``, run its command, and say what is wrong."""
    rng = random.Random(f"{case.seed} {case.number}")
    seed = seeds[case.seed]
    other = seeds[rng.choice(sorted(seeds))]
    shutil.copytree(seed.folder, folder)
    damaged = folder / seed.damaged
    damaged.write_bytes(mutated(damaged.read_bytes(), (other.folder / other.damaged).read_bytes(), rng))
    line = list(seed.lines[case.number % len(seed.lines)])
    # A fit that is resumed and ends well has no more use for its checkpoint.
    taken = frozenset({"m.tween", "m.checkpoint.tween"}) if "--resume" in line else frozenset()
    return judged([*line, "-q"], folder, taken=taken)

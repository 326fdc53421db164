"""Commands that are killed at a random moment, then given again until they end well."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

# How each ends a command.
STATUS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 1}
SIREN = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--device", "cpu"]
LINES = {
    "fit": ["fit", "clip.mkv", "-o", "o.tween", *SIREN, "--steps", "300"],
    "run": ["run", "clip.mkv", "-o", "o.mp4", *SIREN, "--steps", "100", "--slow", "12x"],
    "render": ["render", "m.tween", "-o", "o.mkv", "--slow", "30x"],
    "bench": ["bench", "fig4b", "-o", "o", "--scale", "tiny"],
}
# A command that is killed each time never ends.
MOST_KILLS = 3
_ENDS_WITHIN = 120
# Figures of how long something took, which no two runs share. The history of losses has one more mean where a
# fit was stopped.
_MEASURED = {"seconds", "peak_memory_mib", "provenance", "history"}


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, negative for a signal, what it said, and in how many seconds."""

    status: int
    said: str
    seconds: float


def context() -> Any:
    """Where commands run: processes that have loaded all there is."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(
        [
            "kills.killing",
            "tweenfield.command.app",
            "tweenfield.fitting.loop",
            "tweenfield.bench.runner",
            "torch._dynamo",
        ]
    )
    return found


def command(line: list[str], folder: Path, kill: tuple[int, float] | None = None) -> Ended:
    """Run a command in ``folder``; ``kill`` sends it a signal after so many seconds."""
    log = folder.with_suffix(".log")
    log.touch()
    ready = context().Event()
    process = context().Process(target=_child, args=(line, str(folder), str(log), ready))
    process.start()
    ready.wait(_ENDS_WITHIN)
    began = time.monotonic()
    if kill is not None:
        process.join(kill[1])
        if process.exitcode is None:
            os.kill(process.pid, kill[0])
    process.join(_ENDS_WITHIN)
    seconds = time.monotonic() - began
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"{line} hangs after {kill}")
    return Ended(process.exitcode, log.read_text(), seconds)


def _child(line: list[str], folder: str, log: str, ready: Any) -> None:
    import torch

    from tweenfield.command.app import main
    from tweenfield.fitting.loop import fit
    from tweenfield.video import pieces

    os.chdir(folder)
    with open(log, "w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    # Of a minute and some two minutes: there is something to go on with.
    fit.__kwdefaults__["checkpoint_seconds"] = 0.05  # type: ignore[index]
    pieces._MOST = 16
    sys.argv = ["tweenfield", *line, "-q"]
    ready.set()
    status = 0
    try:
        main()
    except SystemExit as stop:
        status = int(stop.code or 0)
    sys.stderr.flush()
    os._exit(status)


def content(folder: Path) -> dict[str, Any]:
    """What a command left: bytes, or of what holds measured times all but these."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        name = str(path.relative_to(folder))
        if path.suffix == ".tween":
            with safe_open(path, framework="np") as file:
                header = json.loads(file.metadata()["tweenfield"])
                tensors = {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118
            found[name] = _unmeasured(header), tensors
        elif path.suffix == ".json":
            found[name] = _unmeasured(json.loads(path.read_text()))
        else:
            found[name] = None if path.suffix == ".html" else path.read_bytes()
    return found


def _unmeasured(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unmeasured(each) for name, each in value.items() if name not in _MEASURED}
    return [_unmeasured(each) for each in value] if isinstance(value, list) else value


def killed_and_ended(
    name: str, rng: random.Random, given: Path, folder: Path, seconds: float
) -> tuple[int, list[str]]:
    """Kill a command once or more, until it ends well; how many kills hit it, and what was wrong.

    Args:
        name: of the command in ``LINES``.
        rng: decides signals and moments.
        given: the folder that it begins with.
        folder: where it works.
        seconds: that the whole command takes.
    """
    shutil.copytree(given, folder)
    wrong, kills = [], 0
    for _ in range(rng.randint(1, MOST_KILLS)):
        kill = rng.choice(list(STATUS)), rng.uniform(0, seconds)
        ended = command(_line(name, folder), folder, kill)
        if ended.status == 0:
            break
        kills += 1
        said = "" if kill[0] == signal.SIGKILL else "tweenfield: stopped by "
        if ended.status != STATUS[kill[0]] or not ended.said.startswith(said) or ended.said.count("\n") > 1:
            wrong.append(f"{kill}: exit status {ended.status}: {ended.said}")
    else:
        ended = command(_line(name, folder), folder)
    if ended.status:
        wrong.append(f"it doesn't go on: {ended.said}")
    return kills, wrong


def _line(name: str, folder: Path) -> list[str]:
    resumes = name == "fit" and (folder / "o.checkpoint.tween").exists()
    return [*LINES[name], *(["--resume"] if resumes else [])]

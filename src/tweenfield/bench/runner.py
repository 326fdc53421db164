"""Runs experiments in a folder: what is finished there stays, the rest is computed, the report is drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tweenfield.baselines import BASELINES, Baseline
from tweenfield.baselines.rife import installed
from tweenfield.bench.cells import Elsewhere, Setting, Store, run
from tweenfield.bench.datasets import drawn, find_cases
from tweenfield.bench.experiment import Scale
from tweenfield.bench.experiments import EXPERIMENTS
from tweenfield.bench.report import summary, write_report
from tweenfield.errors import UsageError
from tweenfield.evaluation.lpips import Lpips
from tweenfield.flow import Dis, FlowEstimator
from tweenfield.storage.atomic import atomic_output, check_target

# Called with the experiment's name, how many cells are done, out of how many, and what comes next.
OnCell = Callable[[str, int, int, str], None]


def available_baselines() -> dict[str, Baseline]:
    """All that can be run here: RIFE only where its wheel is installed."""
    return {name: draw for name, draw in BASELINES.items() if installed(draw)}


def bench(
    names: Sequence[str],
    folder: Path,
    *,
    data: Path | None = None,
    scale: Scale = "small",
    flow: FlowEstimator | None = None,
    protocol: str = "tweenfield",
    lpips: Lpips | None = None,
    baselines: dict[str, Baseline] | None = None,
    device: str = "auto",
    on_cell: OnCell = lambda name, done, total, remark: None,
    elsewhere: Elsewhere | None = None,
) -> dict[str, dict[str, Any]]:
    """Run experiments and leave ``NAME.json`` of each, and ``report.html``, in ``folder``.

    Results of single cells are kept in ``folder``, too, and never computed again; the report shows every
    experiment that was ever finished there.

    Args:
        names: keys of ``EXPERIMENTS``.
        folder: where results are and go: a new or empty one, or that of an earlier call.
        data: clips or data sets, as for ``find_cases``; a drawn pattern if None.
        scale: ``tiny`` (a moment, for trials), ``small`` (minutes on a CPU) or ``paper``.
        flow: what estimates the flow; DIS if None.
        protocol: how PSNR and SSIM are measured.
        lpips: measures LPIPS, too.
        baselines: what to compare with, by name; all that can be run here if None.
        device: as for ``tweenfield.fit``.
        on_cell: told the experiment, how many of its cells of how many are done, and what comes next.
        elsewhere: computes cells on other machines; here if None.

    Returns:
        For each name, what its JSON holds.

    Raises:
        KeyboardInterrupt: Ctrl-C; finished cells are kept.
        UsageError: ``folder`` holds something else.
        TweenfieldError: data are missing, a method can't draw, or the folder can't be written.
    """
    folder = Path(folder)
    _check_folder(folder)
    cases = drawn() if data is None else find_cases(data)
    others = available_baselines() if baselines is None else baselines
    store = Store(folder)
    setting = Setting(flow=flow or Dis(), protocol=protocol, lpips=lpips, device=device)
    found = {}
    for name in names:
        cells = EXPERIMENTS[name].plan(scale, cases, others)
        rows = list(run(cells, setting, store, partial(on_cell, name), elsewhere))
        found[name] = {
            "experiment": name,
            "scale": scale,
            "data": "a drawn pattern" if data is None else Path(data).resolve().name,
            **summary(EXPERIMENTS[name], scale, rows),
            "rows": rows,
        }
        with atomic_output(folder / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(found[name], indent=1) + "\n")
    finished = {name: folder / f"{name}.json" for name in EXPERIMENTS}
    write_report(store, {n: json.loads(p.read_text()) for n, p in finished.items() if p.exists()})
    return found


def _check_folder(folder: Path) -> None:
    """Find out before any work that no results can be kept in ``folder``, or that it is somebody else's."""
    if (folder / "cells").is_dir():
        check_target(folder / "report.html")
    elif folder.is_dir() and any(folder.iterdir()):
        raise UsageError(
            f"{folder}: this folder holds files, but no cells/ of an earlier bench; give a new folder"
        )
    else:
        check_target(folder, folder=True)

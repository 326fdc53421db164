"""What an experiment is: cells to run, and what to make of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from tweenfield.baselines import Baseline
from tweenfield.bench.cases import Case
from tweenfield.bench.cells import Cell, Row

# A data set of thousands would fill the report.
CLIPS_SHOWN = 8

Scale = Literal["tiny", "small", "paper"]
Outcome = Literal["reproduced", "partly", "not reproduced"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a claim held, and the figures behind it."""

    outcome: Outcome
    because: str


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A table or a figure of the paper (arXiv 2206.10886), or one of our own."""

    title: str
    question: str
    """What is varied and what is looked at."""
    claim: str | None = None
    """What the paper says it found; none where no claim is checked."""
    plan: Callable[[Scale, list[Case], dict[str, Baseline]], list[Cell]]
    """The cells at a scale, on these cases, with these baselines if the experiment compares with any."""
    figures: Callable[[list[Row]], list[Figure]]
    compares: bool = False
    """Whether it has baselines."""
    check: Callable[[list[Row]], Verdict] | None = field(default=None)


def mean(values: Iterable[float]) -> float:
    """Their mean as a plain number."""
    return float(np.mean(list(values)))


def by_clip(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of each clip, by its name, and that of its data set where there are several."""
    rows = list(rows)
    several = len({row["dataset"] for row in rows}) > 1
    found: dict[str, list[Row]] = {}
    for row in rows:
        name = f"{row['dataset']}: {row['clip']}" if several else row["clip"]
        found.setdefault(name, []).append(row)
    return found


def logarithmic(axes: Axes) -> None:
    """Make the x axis logarithmic, with plain numbers at 1, 2, 5 and their multiples."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def counted(found: dict[str, tuple[bool, str]]) -> Verdict:
    """Reproduced if it holds on every clip, partly if on some; the figures of the first clips say why."""
    wins = sum(holds for holds, _ in found.values())
    outcome: Outcome = "reproduced" if wins == len(found) else "partly" if wins else "not reproduced"
    said = [f"{clip}: {why}" for clip, (_, why) in list(found.items())[:CLIPS_SHOWN]]
    more = "; and so on" if len(found) > CLIPS_SHOWN else ""
    return Verdict(outcome=outcome, because=f"On {wins} of {len(found)} clips. {'; '.join(said)}{more}.")

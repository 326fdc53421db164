"""The folder that an evaluation leaves: what was drawn, how good it is, and all it takes to look again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from tweenfield.drawing.render import render
from tweenfield.errors import VideoError
from tweenfield.evaluation.evaluate import Evaluation
from tweenfield.evaluation.pictures import comparison, plots
from tweenfield.evaluation.report import write_report
from tweenfield.evaluation.split import Split
from tweenfield.fitting.model_file import load, save
from tweenfield.fitting.result import FitResult
from tweenfield.storage.atomic import atomic_output
from tweenfield.video import Encoding, read_video, write_video

MODEL, _FRAMES, _RESULT = "model.tween", "frames.mkv", "result.json"


def save_evaluation(
    evaluation: Evaluation,
    folder: str | Path,
    count: Callable[[str, Iterable[np.ndarray], int], Iterable[np.ndarray]] = lambda stage, items, n: items,
) -> None:
    """Write a folder with ``drawn.mp4`` (every frame, observed and held out, as the field renders it),
    ``report.html``, ``comparison.png``, ``plots.png`` and ``result.json``, and for the viewer
    ``model.tween`` and ``frames.mkv``, all frames without loss.

    Args:
        evaluation: what to show.
        folder: a new or empty one.
        count: wraps the drawn frames, to show progress.

    Raises:
        OutputError: the folder isn't empty or can't be written.
    """
    split, source = evaluation.split, evaluation.result.source
    times = sorted({*range(len(split.observed)), *split.positions})
    rate = split.observed.rate * (len(times) - 1) / (len(split.observed) - 1)
    with atomic_output(folder) as partial:
        partial.mkdir()
        write_video(
            partial / "drawn.mp4",
            count(
                "video",
                render(evaluation.result.field, times, companion=evaluation.fitted.companion),
                len(times),
            ),
            rate=rate,
            color=source.color,
            sample_aspect_ratio=source.sample_aspect_ratio,
            hdr=source.hdr,
        )
        save(evaluation.result, partial / MODEL)
        # When they are shown is told by the model and the result, to which no clock of a file is added.
        write_video(
            partial / _FRAMES,
            _all_frames(split),
            rate=rate,
            color=source.color,
            encoding=Encoding(codec="ffv1"),
        )
        write_report(evaluation, partial / "report.html")
        comparison(evaluation).savefig(partial / "comparison.png", dpi=110)
        plots(evaluation).savefig(partial / "plots.png", dpi=110)
        (partial / _RESULT).write_text(json.dumps(evaluation.as_json(), indent=2) + "\n")


def is_evaluation(path: Path) -> bool:
    """Whether a path is such a folder."""
    return (path / _RESULT).is_file() and (path / MODEL).is_file()


def load_evaluation(folder: Path) -> tuple[FitResult, Split]:
    """Read back what was fitted, and the observed and held-out frames.

    Raises:
        TweenfieldError: something of it is missing or damaged.
    """
    result, video = load(folder / MODEL), read_video(folder / _FRAMES)
    try:
        told = json.loads((folder / _RESULT).read_text())
        held_out = {int(frame["index"]): Fraction(frame["t"]) for frame in told["frames"]}
        stride = int(told["stride"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise VideoError(
            f"{folder / _RESULT}: this isn't what 'tweenfield eval -o' wrote; evaluate again"
        ) from error
    source, observed = result.source, [k for k in range(len(video)) if k not in held_out]
    if len(observed) != len(source.times) or len(video) != len(observed) + len(held_out):
        raise VideoError(f"{folder}: its files are of different evaluations; evaluate again")
    seen = replace(
        video.select(observed),
        times=source.times,
        rate=source.rate,
        color=source.color,
        sample_aspect_ratio=source.sample_aspect_ratio,
        name=source.name,
    )
    return result, Split(
        observed=seen,
        held_out=video.select(list(held_out)),
        stride=stride,
        positions=tuple(held_out.values()),
        indices=tuple(held_out),
    )


def _all_frames(split: Split) -> Iterator[np.ndarray]:
    """Observed and held-out frames in the order of time."""
    numbers = {k: (split.held_out.frames, at) for at, k in enumerate(split.indices)}
    observed = [k for k in range(len(split.observed) + len(numbers)) if k not in numbers]
    numbers |= {k: (split.observed.frames, at) for at, k in enumerate(observed)}
    for k in sorted(numbers):
        frames, at = numbers[k]
        yield np.asarray(frames[at])

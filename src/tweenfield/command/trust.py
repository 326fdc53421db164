"""What to expect of the frames that ``run`` draws: noted while they are drawn, told in the end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from tweenfield.choices import Doubtful
from tweenfield.command.run_options import Running
from tweenfield.errors import OutputError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from tweenfield import Expectation, Field, Recipe, Timeline

# A level of 255 in the maps, whose numbers have 16 bits.
_LEVEL = 256


def check_trust(drawing: Running, recipe: Recipe, source: Path) -> None:
    """Find out before the work that what was asked for can't be told or can't be written.

    Raises:
        UsageError: the field has no error to expect, or flags contradict each other.
        OutputError: a folder can't be made.
    """
    from tweenfield.storage.atomic import check_target

    asked = {
        "--report": drawing.report,
        "--error-maps": drawing.error_maps,
        "--doubtful": drawing.doubtful is not Doubtful.draw,
    }
    flags = [flag for flag, given in asked.items() if given]
    if not flags:
        return
    if not recipe.field.expects_error:
        raise UsageError(
            f"{flags[0]} needs the error to expect, which the field {recipe.field.name} hasn't; "
            "use --field transport, or leave it out"
        )
    if drawing.doubtful is not Doubtful.draw and drawing.shutter is not None:
        raise UsageError("--doubtful takes frames without motion blur; leave it or --shutter out")
    folders = [folder for folder in (drawing.report, drawing.error_maps) if folder]
    for folder in folders:
        check_target(folder, inputs=[source], folder=True)
    if len(folders) == 2 and folders[0].resolve() == folders[1].resolve():
        raise UsageError(
            f"{folders[0]}: --report and --error-maps need a folder each; choose another for one"
        )


def of_one(drawing: Running, output: str) -> Running:
    """The same for one of several outputs, with folders of its own in those that were named.

    Raises:
        OutputError: a folder can't be made.
    """

    def within(folder: Path | None) -> Path | None:
        if folder is None:
            return None
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder}: the folder can't be made ({error.strerror}); make it first, or choose another"
            ) from error
        return folder / Path(output).name

    return replace(drawing, report=within(drawing.report), error_maps=within(drawing.error_maps))


@final
class Trust:
    """What to expect of each frame of an output.

    Args:
        field: what draws it.
        timeline: when.
        maps: a folder that gets the error to expect of every frame as PNG; None for no maps.
        kept: a file of what was noted, for a run that goes on, which would draw maps again only for this;
            None to keep nothing.
    """

    def __init__(self, field: Field, timeline: Timeline, maps: Path | None, kept: Path | None = None) -> None:
        self._field, self._positions, self._maps, self._kept = field, timeline.positions, maps, kept
        # Error maps are made anew, for which each frame is noted again.
        self._known: dict[int, Expectation] = {} if maps else _noted_in(kept)

    def watch(self, begin: int, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same frames, from number ``begin`` on; each is noted as it passes, which is cheap then."""
        for index, frame in enumerate(frames, start=begin):
            self._note(index)
            yield frame

    @property
    def noted(self) -> list[Expectation]:
        """What was noted so far."""
        return list(self._known.values())

    def add(self, noted: Iterable[Expectation], maps: Mapping[str, bytes]) -> None:
        """Take over what was noted on another machine, and the maps by the names of their files."""
        for e in noted:
            self._know(e)
        for name, content in maps.items():
            assert self._maps is not None  # as none were made otherwise
            (self._maps / name).write_bytes(content)

    def all(self) -> list[Expectation]:
        """Every frame's, of those that an earlier run drew as well."""
        for index in range(len(self._positions)):
            if index not in self._known:
                self._note(index)
        return [self._known[index] for index in range(len(self._positions))]

    def _note(self, index: int) -> None:
        from tweenfield.drawing.expectation import expect

        t = self._positions[index]
        self._know(expect(self._field, t, index))
        if self._maps:
            _write_map(self._maps / f"{index:06d}.png", self._field, float(t))

    def _know(self, expectation: Expectation) -> None:
        self._known[expectation.index] = expectation
        if self._kept:
            with self._kept.open("a") as file:
                file.write("\n" + json.dumps(asdict(expectation)))


def _noted_in(kept: Path | None) -> dict[int, Expectation]:
    """What an earlier run noted."""
    from tweenfield import Expectation

    known = {}
    for line in kept.read_text().splitlines() if kept and kept.exists() else ():
        with suppress(ValueError):  # cut short when that run was killed
            noted = Expectation(**json.loads(line))
            known[noted.index] = noted
    return known


@contextmanager
def maps_folder(target: Path | None) -> Iterator[Path | None]:
    """A folder for maps that appears as ``target`` when the block ends well, if one was asked for."""
    from tweenfield.storage.atomic import atomic_output

    if target is None:
        yield None
        return
    with atomic_output(target) as partial:
        partial.mkdir()
        yield partial


def as_json(expected: list[Expectation] | None, *, blurred: bool = False) -> dict[str, Any] | None:
    """What ``run --json`` has under ``expected``; None where nothing can be told. What is told of ``blurred``
    frames is that of sharp ones in their middle.
    """
    from tweenfield.drawing.expectation import DOUBTFUL_PSNR, doubtful_ranges, in_words, mean_psnr

    if expected is None:
        return None
    return {
        "summary": in_words(expected) + (" without the motion blur" if blurred else ""),
        "psnr": mean_psnr(expected),
        "doubtful_below": DOUBTFUL_PSNR,
        "doubtful": [
            {"first": first, "last": last, "reason": reason}
            for first, last, reason in doubtful_ranges(expected)
        ],
        "frames": [asdict(e) for e in expected],
    }


def report(folder: Path, field: Field, expected: list[Expectation], timeline: Timeline, output: str) -> None:
    """Leave the page in ``folder``."""
    from tweenfield.evaluation.page import write_expectation

    shown = timeline.shown or [Fraction(k) / timeline.rate for k in range(len(timeline))]
    write_expectation(folder, field, expected, [float(s) for s in shown], Path(output).name)


def _write_map(path: Path, field: Field, t: float) -> None:
    import cv2
    import numpy as np
    import torch

    with torch.inference_mode():
        error = field.expected_error(t).cpu().numpy()
    levels = (error * _LEVEL).round().clip(0, 65535).astype(np.uint16)
    path.write_bytes(cv2.imencode(".png", levels)[1].tobytes())

"""One finished piece of a benchmark: one method on one case. It is kept as JSON and never computed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from tweenfield.baselines import Baseline
from tweenfield.bench.cases import Case
from tweenfield.bench.provenance import provenance
from tweenfield.errors import UsageError
from tweenfield.evaluation.cost import Meter
from tweenfield.evaluation.error_maps import error_levels, error_picture
from tweenfield.evaluation.lpips import Lpips
from tweenfield.evaluation.score import check_scoring, fit_and_score, score
from tweenfield.evaluation.split import Split
from tweenfield.fitting.device import resolve_device
from tweenfield.fitting.recipe import Recipe
from tweenfield.flow import Flow, FlowEstimator, estimate_flow
from tweenfield.flow.velocity import velocity
from tweenfield.storage.atomic import atomic_output
from tweenfield.storage.parcel import Parcel, packed
from tweenfield.video.depth import eight_bit, rounded

# A result as it is stored, and the labels that an experiment gave the cell.
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A baseline, or the recipe of a field."""

    name: str
    how: Baseline | Recipe

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides its result besides the frames and their flow."""
        if not isinstance(self.how, Recipe):
            return {"baseline": self.name, "program": repr(self.how) if is_dataclass(self.how) else None}
        return self.how.settings


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One method on one case, with pictures of one frame or without. ``labels`` are for the experiment and
    don't change the result.
    """

    case: Case
    method: Method
    pictured: bool = False
    labels: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all cells of a run share."""

    flow: FlowEstimator
    protocol: str
    lpips: Lpips | None = None
    device: str


class Store:
    """Results in a folder: ``cells/KEY.json`` and ``pictures/KEY-*.webp``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("cells", "pictures"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Row | None:
        """The result of that key, if it is finished."""
        path = self.folder / "cells" / f"{key}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def put(self, row: Row) -> None:
        """Keep a result."""
        with atomic_output(self.folder / "cells" / f"{row['key']}.json") as temporary:
            temporary.write_text(json.dumps(row, indent=1) + "\n")

    def put_picture(self, name: str, picture: np.ndarray) -> None:
        """Keep an 8-bit RGB picture."""
        cv2.imwrite(
            str(self.folder / "pictures" / f"{name}.webp"), picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 90]
        )

    def picture(self, name: str) -> bytes:
        """The file of a picture."""
        return (self.folder / "pictures" / f"{name}.webp").read_bytes()


def key(cell: Cell, setting: Setting) -> str:
    """The same for the same clip, method, flow, protocol and weights of LPIPS, and for no other."""
    content = {
        "case": asdict(cell.case),
        "method": cell.method.settings,
        "flow": setting.flow.name,
        "protocol": setting.protocol,
        **({"lpips": setting.lpips.digest} if setting.lpips else {}),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


# Computes cells on other machines by ``computed``, and gives each result with its pictures, in any order.
Elsewhere = Callable[[Sequence[Cell], Setting], Iterable[tuple[Row, Parcel]]]


def computed(cell: Cell, setting: Setting) -> tuple[Row, Parcel]:
    """The result of a cell and its pictures, by the names of their files."""
    with TemporaryDirectory() as folder:
        store, name = Store(Path(folder)), key(cell, setting)
        row = {"key": name, **_result(cell, _Clip(cell.case, setting), setting, store, name)}
        return row, packed(store.folder / "pictures")


def run(
    cells: Iterable[Cell],
    setting: Setting,
    store: Store,
    on_cell: Callable[[int, int, str], None] = lambda done, total, remark: None,
    elsewhere: Elsewhere | None = None,
) -> Iterator[Row]:
    """The result of each cell, from the store where it is finished, in the order of the clips.

    Args:
        cells: what to run.
        setting: flow provider, protocol and device.
        store: where results are and go.
        on_cell: told how many of how many are done, and what comes next.
        elsewhere: computes what isn't finished; here if None.

    Raises:
        KeyboardInterrupt: Ctrl-C; what is finished is kept.
        TweenfieldError: a clip can't be read, or a method can't draw it.
    """
    cells = sorted(cells, key=lambda cell: (cell.case.dataset, cell.case.name, str(cell.case)))
    if elsewhere is not None:
        named = {key(cell, setting): cell for cell in cells}
        missing = [cell for name, cell in named.items() if store.get(name) is None]
        there = len(cells) - len(missing)
        on_cell(there, len(cells), "")
        for done, (found, pictures) in enumerate(elsewhere(missing, setting), start=there + 1):
            for file, content in pictures.items():
                (store.folder / "pictures" / file).write_bytes(content)
            store.put(found)
            on_cell(done, len(cells), f"{found['method']} on {found['clip']}")
    clip = None
    for done, cell in enumerate(cells):
        on_cell(done, len(cells), f"{cell.method.name} on {cell.case.name}")
        name = key(cell, setting)
        row = store.get(name)
        if row is None:
            if clip is None or clip.case != cell.case:
                clip = _Clip(cell.case, setting)
            row = {"key": name, **_result(cell, clip, setting, store, name)}
            store.put(row)
        # Another experiment may know the same cell by another name, and want its pictures or not.
        shown = row["shown"] if cell.pictured else None
        yield {**row, "method": cell.method.name, "shown": shown, **cell.labels}
    on_cell(len(cells), len(cells), "")


class _Clip:
    """What the cells of one case share: its frames, their flow, the motion, the frame to be looked at."""

    split: Split
    flow: Flow

    def __init__(self, case: Case, setting: Setting) -> None:
        self.case = case
        self.split = case.split()
        check_scoring(self.split.observed, setting.protocol, setting.lpips)
        with Meter() as self.meter:
            self.flow = estimate_flow(self.split.observed, setting.flow)
        self.motion = [
            float(np.linalg.norm(velocity(self.flow, float(t)), axis=-1).mean()) for t in self.split.positions
        ]
        # Where most moves, methods differ most.
        self.shown = int(np.argmax(self.motion))


def _result(cell: Cell, clip: _Clip, setting: Setting, store: Store, name: str) -> Row:
    split, how = clip.split, cell.method.how
    seconds = {"flow": clip.meter.seconds}
    own: dict[str, Any] = {}

    def watch(frames: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
        return _shown(frames, clip, store, name) if cell.pictured else frames

    try:
        if isinstance(how, Recipe):
            fitted = fit_and_score(
                split,
                clip.flow,
                how,
                device=setting.device,
                protocol=setting.protocol,
                lpips=setting.lpips,
                watch=watch,
            )
            scored, memory = fitted.score, fitted.peak_memory_mib
            seconds["fit"] = fitted.seconds
            own = {"psnr_observed": fitted.psnr_observed, "parameters": fitted.parameters}
        else:
            drawn = how(split.observed, clip.flow, split.positions)
            scored = score(watch(drawn), split.held_out, setting.protocol, setting.lpips)
            memory = scored.peak_memory_mib
    except ValueError as error:
        raise UsageError(f"{cell.method.name} can't be scored on {cell.case.name}: {error}") from error
    return {
        "dataset": cell.case.dataset,
        "clip": cell.case.name,
        "method": cell.method.name,
        "settings": cell.method.settings,
        "flow": setting.flow.name,
        "protocol": setting.protocol,
        "size": list(split.observed.size),
        "stride": split.stride,
        "observed": len(split.observed),
        "held_out": len(split.held_out),
        "indices": list(split.indices),
        "motion": clip.motion,
        "psnr": list(scored.psnr),
        "ssim": list(scored.ssim),
        **({"lpips": list(scored.lpips)} if scored.lpips else {}),
        **own,
        "seconds": {**seconds, "render": scored.seconds},
        "peak_memory_mib": memory,
        "device": str(resolve_device(setting.device)),
        "shown": clip.shown if cell.pictured else None,
        "provenance": provenance(),
    }


def _shown(drawn: Iterable[np.ndarray], clip: _Clip, store: Store, name: str) -> Iterator[np.ndarray]:
    """The same frames; pictures of one of them go to the store: drawn, error, truth."""
    for k, frame in enumerate(drawn):
        if k == clip.shown:
            truth = eight_bit(clip.split.held_out.frames[k])
            levels = rounded(frame)
            error = error_picture(error_levels(levels, truth))
            for kind, picture in (("drawn", levels), ("error", error), ("truth", truth)):
                store.put_picture(f"{name}-{kind}", picture)
        yield frame

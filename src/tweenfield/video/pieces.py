"""A long video in pieces that stay until it is whole, so that a job that was stopped can go on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from tweenfield.storage.aside import aside
from tweenfield.storage.atomic import atomic_output
from tweenfield.video.containers import InPieces, Look
from tweenfield.video.containers.x265 import REORDERED
from tweenfield.video.depth import Levels
from tweenfield.video.writing import container_for, shown, write_whole

# A piece holds about as many pixels: some two minutes of drawing.
_PIXELS = 128 * 1920 * 1080
_FEWEST, _MOST = 16, 1024


def piece_length(size: tuple[int, int]) -> int:
    """How many frames of this (height, width) a piece has."""
    return min(max(round(_PIXELS / (size[0] * size[1])), _FEWEST), _MOST)


def write_in_pieces(
    path: str | Path,
    draw: Callable[[int, int], Iterable[Levels[np.ndarray, "height width channels"]]],
    count: int,
    size: tuple[int, int],
    look: Look,
    folder: Path | None,
) -> None:
    """Write frames as ``write_video`` does, but leave pieces in ``folder``, and don't draw what is there.

    GIFs, whose frames refer to those before them, are written in one go, as all is without a folder.

    Args:
        path: what is written in the end.
        draw: gives the frames from one number until before another.
        count: how many there are.
        size: (height, width) of the frames.
        look: how they are shown.
        folder: where pieces are kept, if at all; whoever calls removes them.

    Raises:
        OutputError: writing failed.
    """
    container, target = container_for(path), Path(path)
    if folder is None or not isinstance(container, InPieces):
        write_whole(target, container, draw(0, count), look)
        return
    length = piece_length(size)
    pieces: dict[int, Path] = {}
    # Encoders go astray with a few frames, so a short rest belongs to the piece before it.
    begins = [*range(0, max(count - REORDERED, 0) + 1, length), count]
    for begin, end in pairwise(begins):
        piece = pieces[begin] = folder / f"{begin:09d}"
        if not piece.exists():
            frames = shown(draw(begin, end), container, look, target)
            _write_piece(piece, container, frames, look, begin)
    if container.square_pixels:
        size = size[0], ceil(size[1] * look.sample_aspect_ratio)
    with atomic_output(target) as temporary:
        container.join(temporary, pieces, size, look)


def written_in_pieces(folder: Path) -> int:
    """Bytes of all that is in ``folder`` so far."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _write_piece(
    piece: Path,
    container: InPieces,
    frames: Iterable[Levels[np.ndarray, "height width channels"]],
    look: Look,
    begin: int,
) -> None:
    def write(ready: Iterator[Levels[np.ndarray, "height width channels"]]) -> int:
        return container.write_piece(temporary, ready, look, begin)

    with atomic_output(piece) as temporary:
        aside(write, frames)
        # A name that survives a power cut must stand for bytes that do.
        for written in temporary.iterdir() if temporary.is_dir() else [temporary]:
            descriptor = os.open(written, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

"""A long video in pieces that stay until it is whole, so that a job that was stopped can go on."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np

from tweenfield.storage.aside import aside
from tweenfield.storage.atomic import atomic_output
from tweenfield.storage.parcel import Parcel, packed, unpack
from tweenfield.video.containers import InPieces, Look
from tweenfield.video.containers.x265 import REORDERED
from tweenfield.video.depth import Levels
from tweenfield.video.writing import container_for, is_stdout, shown, write_whole

Draw: TypeAlias = "Callable[[int, int], Iterable[Levels[np.ndarray, 'height width channels']]]"
Elsewhere: TypeAlias = "Callable[[Sequence[tuple[int, int]]], Iterable[tuple[int, Parcel]]]"

# A piece holds about as many pixels: some two minutes of drawing.
_PIXELS = 128 * 1920 * 1080
_FEWEST, _MOST = 16, 1024
# What a piece is called, whole or not.
_PIECE = re.compile(r"\.?\d{9}\b")


def piece_length(size: tuple[int, int]) -> int:
    """How many frames of this (height, width) a piece has."""
    return min(max(round(_PIXELS / (size[0] * size[1])), _FEWEST), _MOST)


def spans_of(count: int, size: tuple[int, int], shots: Sequence[int] = ()) -> list[tuple[int, int]]:
    """Where each piece of so many frames of this (height, width) begins and ends.

    A piece ends where a shot does, by the numbers of their first frames, if that makes it at least half as
    long as it may be: an encoder begins both with a frame that is predicted from none.
    """
    length, ends = piece_length(size), [0]
    # Encoders go astray with a few frames, so a short rest belongs to the piece before it.
    while (latest := ends[-1] + length) <= count - REORDERED:
        shot = bisect_right(shots, latest) - 1
        fits = shot >= 0 and shots[shot] >= latest - length // 2
        ends.append(shots[shot] if fits else latest)
    return list(pairwise([*ends, count]))


def write_in_pieces(
    path: str | Path,
    draw: Draw,
    count: int,
    size: tuple[int, int],
    look: Look,
    folder: Path | None,
    elsewhere: Elsewhere | None = None,
    shots: Sequence[int] = (),
) -> None:
    """Write frames as ``write_video`` does, but leave pieces in ``folder``, and don't draw what is there.

    Pieces are joined in their order, each as soon as it and those before it are there. All of them stay until
    the result is whole: what a kill leaves of an MP4 can't be read. GIFs, whose frames refer to those before
    them, are written in one go, as all is without a folder.

    Args:
        path: what is written in the end.
        draw: gives the frames from one number until before another.
        count: how many there are.
        size: (height, width) of the frames.
        look: how they are shown.
        folder: where pieces are kept, if at all; whoever calls removes them.
        elsewhere: makes the pieces of these spans in place of ``draw``, by ``packed_piece``, and gives each
            with where it begins, in any order.
        shots: numbers of frames with which a shot begins, where a piece ends if it can.

    Raises:
        OutputError: writing failed.
    """
    container, target = container_for(path), Path(path)
    if folder is None or not isinstance(container, InPieces):
        write_whole(target, container, draw(0, count), look)
        return
    spans = spans_of(count, size, shots)
    pieces = {begin: folder / f"{begin:09d}" for begin, _ in spans}
    missing = [(begin, end) for begin, end in spans if not pieces[begin].exists()]
    arriving = None if elsewhere is None else iter(elsewhere(missing))

    def in_order() -> Iterator[tuple[int, Path]]:
        for begin, end in spans:
            while not pieces[begin].exists():
                if arriving is None:
                    frames = shown(draw(begin, end), container, look, target)
                    with atomic_output(pieces[begin]) as temporary:
                        _write_piece(temporary, container, frames, look, begin)
                else:
                    arrived, parcel = next(arriving)
                    with atomic_output(pieces[arrived]) as temporary:
                        unpack(parcel, temporary)
            yield begin, pieces[begin]

    if container.square_pixels:
        size = size[0], ceil(size[1] * look.sample_aspect_ratio)
    # With the pieces, as whoever removes them removes what a kill left of it, on another machine as well.
    with atomic_output(target, within=folder) as joined:
        container.join(joined, in_order(), count, size, look)


def packed_piece(path: str | Path, draw: Draw, span: tuple[int, int], look: Look) -> Parcel:
    """A piece as ``write_in_pieces`` takes it from elsewhere; arguments are as for that."""
    container = container_for(path)
    assert isinstance(container, InPieces)  # as no others are asked for
    with TemporaryDirectory() as folder:
        piece = Path(folder, "piece")
        _write_piece(piece, container, shown(draw(*span), container, look, Path(path)), look, span[0])
        return packed(piece)


def in_pieces(path: str | Path) -> bool:
    """Whether what is written to ``path`` can be made in pieces."""
    return isinstance(container_for(path), InPieces) and not is_stdout(path)


def written_in_pieces(folder: Path) -> int:
    """Bytes of the pieces in ``folder`` so far, of one that isn't whole as well."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files if _PIECE.match(str(file.relative_to(folder))))


def _write_piece(
    path: Path,
    container: InPieces,
    frames: Iterable[Levels[np.ndarray, "height width channels"]],
    look: Look,
    begin: int,
) -> None:
    def write(ready: Iterator[Levels[np.ndarray, "height width channels"]]) -> int:
        return container.write_piece(path, ready, look, begin)

    aside(write, frames)
    # A name that survives a power cut must stand for bytes that do.
    for written in path.iterdir() if path.is_dir() else [path]:
        descriptor = os.open(written, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

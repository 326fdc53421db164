"""Whole frames drawn fast on a CPU: the same sums as in ``field.py``, fused into loops that Numba compiles.

Spline coefficients are interleaved, with a margin of 2 on each side: four floats per pixel for a picture (the
last is padding), ``MAPS`` for the maps. What a loop computes is tested against the field's own definition.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from jaxtyping import Float32

from tweenfield.fields.transport.candidates import CANDIDATES, SOURCES, STILL
from tweenfield.machine_code import called, in_bands, inlined
from tweenfield.video.depth import Levels

# Displacements (x, y) of the candidates that move, weights of all, padding to whole vector registers.
MAPS = 24
_WEIGHTS = 2 * STILL

_F = np.float32
_POLE = _F(sqrt(3) - 2)
_GAIN = _F(6)
# Terms of the geometric series that begins a filter; the pole's power is 1e-16 by then.
_REACH = 28
_COLUMNS = 64
# Pixels whose places are found at once.
_BLOCK = 64
_SIXTH, _TWO_THIRDS, _HALF, _ONE, _ZERO = _F(1 / 6), _F(2 / 3), _F(0.5), _F(1), _F(0)
_LEVEL, _FINE_LEVEL = _F(1 / 255), _F(1 / 65535)
_SOURCES = SOURCES

# One array for each of the four frames of a window.
Pictures = tuple[np.ndarray, ...]


@inlined
def _cubic(t: np.float32) -> tuple[Any, Any, Any, Any]:
    """Weights of the four B-spline coefficients around a place that far within its cell."""
    u = _ONE - t
    return (
        u * u * u * _SIXTH,
        _TWO_THIRDS - t * t * (_ONE + u) * _HALF,
        _TWO_THIRDS - u * u * (_ONE + t) * _HALF,
        t * t * t * _SIXTH,
    )


@inlined
def _level(picture: np.ndarray) -> Any:
    """The colour in [0, 1] of a level of a picture in uint8 or uint16."""
    return _LEVEL if picture.itemsize == 1 else _FINE_LEVEL


@inlined
def _reflected(k: int, size: int) -> int:
    """The sample that stands for number k of a line that is mirrored at its first and its last one."""
    if size == 1:
        return 0
    k = k % (2 * size - 2)
    return min(k, 2 * size - 2 - k)


@called
def _filter_line(line: np.ndarray, size: int, channels: int) -> None:
    """Turn samples into coefficients, in place: a recursive filter forwards, then one backwards."""
    if size == 1:
        return
    for c in range(channels):
        first, power = line[0, c], _POLE
        for k in range(1, _REACH):
            first += power * line[_reflected(k, size), c]
            power *= _POLE
        line[0, c] = first
    for k in range(1, size):
        for c in range(channels):
            line[k, c] += _POLE * line[k - 1, c]
    last = _POLE / (_POLE * _POLE - _ONE)
    for c in range(channels):
        line[size - 1, c] = last * (line[size - 1, c] + _POLE * line[size - 2, c])
    for k in range(size - 2, -1, -1):
        for c in range(channels):
            line[k, c] = _POLE * (line[k + 1, c] - line[k, c])
    for k in range(size):
        for c in range(channels):
            line[k, c] *= _GAIN


@in_bands
def _filter_columns(begin: int, end: int, flat: np.ndarray, height: int) -> None:
    """The same along the other axis: rows 2 to height + 1; then the margins above and below."""
    last = _POLE / (_POLE * _POLE - _ONE)
    for a in range(begin, end, _COLUMNS):
        b = min(a + _COLUMNS, end)
        if height > 1:
            first = np.empty(_COLUMNS, np.float32)
            for i in range(a, b):
                first[i - a] = flat[2, i]
            power = _POLE
            for k in range(1, _REACH):
                row = 2 + _reflected(k, height)
                for i in range(a, b):
                    first[i - a] += power * flat[row, i]
                power *= _POLE
            for i in range(a, b):
                flat[2, i] = first[i - a]
            for k in range(3, height + 2):
                for i in range(a, b):
                    flat[k, i] += _POLE * flat[k - 1, i]
            for i in range(a, b):
                flat[height + 1, i] = last * (flat[height + 1, i] + _POLE * flat[height, i])
            for k in range(height, 1, -1):
                for i in range(a, b):
                    flat[k, i] = _POLE * (flat[k + 1, i] - flat[k, i])
            for k in range(2, height + 2):
                for i in range(a, b):
                    flat[k, i] *= _GAIN
        for k in (-2, -1, height, height + 1):
            row = 2 + _reflected(k, height)
            for i in range(a, b):
                flat[2 + k, i] = flat[row, i]


@in_bands
def _filter_picture_rows(begin: int, end: int, picture: np.ndarray, out: np.ndarray) -> None:
    width = picture.shape[1]
    level = _level(picture)
    for y in range(begin, end):
        line = out[y + 2, 2:]
        for x in range(width):
            for c in range(3):
                line[x, c] = picture[y, x, c] * level
            line[x, 3] = _ZERO
        _filter_line(line, width, 4)
        for k in (-2, -1, width, width + 1):
            for c in range(4):
                out[y + 2, 2 + k, c] = line[_reflected(k, width), c]


@in_bands
def _filter_map_rows(
    begin: int, end: int, displacement: np.ndarray, weight: np.ndarray, out: np.ndarray
) -> None:
    width = weight.shape[2]
    for y in range(begin, end):
        line = out[y + 2, 2:]
        for j in range(STILL):
            for x in range(width):
                line[x, 2 * j] = displacement[j, 0, y, x]
                line[x, 2 * j + 1] = displacement[j, 1, y, x]
        for j in range(CANDIDATES):
            for x in range(width):
                line[x, _WEIGHTS + j] = weight[j, y, x]
        for x in range(width):
            for c in range(_WEIGHTS + CANDIDATES, MAPS):
                line[x, c] = _ZERO
        _filter_line(line, width, MAPS)
        for k in (-2, -1, width, width + 1):
            for c in range(MAPS):
                out[y + 2, 2 + k, c] = line[_reflected(k, width), c]


def spline_picture(picture: Levels[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "rows columns 4"]:
    """B-spline coefficients of a picture's colours in [0, 1], mirrored at the borders."""
    height, width, _ = picture.shape
    out = np.empty((height + 4, width + 4, 4), np.float32)
    _filter_picture_rows(height, picture, out)
    return _along_columns(out, height)


def spline_maps(
    displacement: Float32[np.ndarray, "candidates 2 height width"],
    weight: Float32[np.ndarray, "candidates height width"],
) -> Float32[np.ndarray, "rows columns maps"]:
    """B-spline coefficients of all maps of one time."""
    height, width = weight.shape[1:]
    out = np.empty((height + 4, width + 4, MAPS), np.float32)
    _filter_map_rows(height, displacement, weight, out)
    return _along_columns(out, height)


def _along_columns(coefficients: np.ndarray, height: int) -> np.ndarray:
    flat = coefficients.reshape(len(coefficients), -1)
    _filter_columns(flat.shape[1], flat, height)
    return coefficients


@inlined
def _placed(position: Any, size: int) -> tuple[Any, Any]:
    """The cell of a place, and how far within it, after clamping to the picture."""
    position = min(max(position, _ZERO), _F(size - 1))
    cell = np.int32(position)
    return cell, position - _F(cell)


@called
def _add_moving(
    picture: np.ndarray,
    first: tuple[int, int],
    step: int,
    dx: np.ndarray,
    dy: np.ndarray,
    weight: np.ndarray,
    line: np.ndarray,
) -> None:
    """Add to pixel i of a line ``weight[i]`` times the colour at (x + step i + dx[i], y + dy[i]), where
    ``first`` is (x, y) and ``picture`` are coefficients.
    """
    rows, columns, _ = picture.shape
    x, y = first
    cells = np.empty((2, _BLOCK), np.uintp)
    basis = np.empty((8, _BLOCK), np.float32)
    # In blocks: places first, which becomes vector code, then colours, all four floats of a pixel at once.
    for begin in range(0, len(weight), _BLOCK):
        count = min(_BLOCK, len(weight) - begin)
        for k in range(count):
            i = begin + k
            cell_x, in_x = _placed(_F(x + step * i) + dx[i], columns - 4)
            cell_y, in_y = _placed(_F(y) + dy[i], rows - 4)
            cells[0, k], cells[1, k] = cell_x + 1, cell_y + 1
            basis[0, k], basis[1, k], basis[2, k], basis[3, k] = _cubic(in_x)
            basis[4, k], basis[5, k], basis[6, k], basis[7, k] = _cubic(in_y)
        for k in range(count):
            w = weight[begin + k]
            if w != _ZERO:
                a0, b, to = cells[0, k], cells[1, k], line[begin + k]
                a1, a2, a3 = a0 + np.uintp(1), a0 + np.uintp(2), a0 + np.uintp(3)
                w0, w1, w2, w3 = basis[0, k], basis[1, k], basis[2, k], basis[3, k]
                c0, c1, c2, c3 = _ZERO, _ZERO, _ZERO, _ZERO
                for i in range(4):
                    near, share = picture[b + np.uintp(i)], basis[4 + i, k]
                    c0 += share * (w0 * near[a0, 0] + w1 * near[a1, 0] + w2 * near[a2, 0] + w3 * near[a3, 0])
                    c1 += share * (w0 * near[a0, 1] + w1 * near[a1, 1] + w2 * near[a2, 1] + w3 * near[a3, 1])
                    c2 += share * (w0 * near[a0, 2] + w1 * near[a1, 2] + w2 * near[a2, 2] + w3 * near[a3, 2])
                    c3 += share * (w0 * near[a0, 3] + w1 * near[a1, 3] + w2 * near[a2, 3] + w3 * near[a3, 3])
                to[0] += w * c0
                to[1] += w * c1
                to[2] += w * c2
                to[3] += w * c3


def fetch(
    pictures: Pictures, displacement: np.ndarray, step: int, first: tuple[int, int], out: np.ndarray
) -> None:
    """Colours of the moving candidates, one plane each: ``out`` is (moving, 3, height, width).

    ``pictures`` are the coefficients of the four frames of a window, of which every ``step``-th pixel in x
    and y is meant, from ``first`` (x, y) on.
    """
    _fetch_rows(out.shape[2], pictures, displacement, step, first, out)


@in_bands
def _fetch_rows(
    begin: int,
    end: int,
    pictures: Pictures,
    displacement: np.ndarray,
    step: int,
    first: tuple[int, int],
    out: np.ndarray,
) -> None:
    width = out.shape[3]
    left, top = first
    for y in range(begin, end):
        whole = np.ones(width, np.float32)
        for j in range(STILL):
            line = np.zeros((width, 4), np.float32)
            dx, dy = displacement[j, 0, y], displacement[j, 1, y]
            _add_moving(pictures[_SOURCES[j]], (left, top + step * y), step, dx, dy, whole, line)
            for c in range(3):
                to = out[j, c, y]
                for x in range(width):
                    to[x] = line[x, c]


@inlined
def _add_still(row: np.ndarray, weight: np.ndarray, level: Any, line: np.ndarray) -> None:
    """Add to each pixel of a line its weight times the same pixel of a frame's row."""
    for x in range(len(weight)):
        w = weight[x] * level
        line[x, 0] += w * row[x, 0]
        line[x, 1] += w * row[x, 1]
        line[x, 2] += w * row[x, 2]


def mix(
    pictures: Pictures, frames: Pictures, displacement: np.ndarray, weight: np.ndarray, out: np.ndarray
) -> None:
    """The mixture where the maps are on the picture's own grid: ``out`` is (height, width, 3)."""
    _mix_rows(len(out), pictures, frames, displacement, weight, out)


@in_bands
def _mix_rows(
    begin: int,
    end: int,
    pictures: Pictures,
    frames: Pictures,
    displacement: np.ndarray,
    weight: np.ndarray,
    out: np.ndarray,
) -> None:
    width = out.shape[1]
    level = _level(frames[0])
    for y in range(begin, end):
        line = np.zeros((width, 4), np.float32)
        # Candidate by candidate: to look up an array in a tuple for each pixel takes longer than all else.
        for j in range(STILL):
            dx, dy = displacement[j, 0, y], displacement[j, 1, y]
            _add_moving(pictures[_SOURCES[j]], (0, y), 1, dx, dy, weight[j, y], line)
        for j in range(STILL, CANDIDATES):
            _add_still(frames[_SOURCES[j]][y], weight[j, y], level, line)
        out[y] = line[:, :3]


def mix_enlarged(
    pictures: Pictures, frames: Pictures, maps: np.ndarray, reduction: int, out: np.ndarray
) -> None:
    """The mixture where a pixel of the maps covers ``reduction`` x ``reduction`` of the picture's."""
    _mix_enlarged_rows(len(out), pictures, frames, maps, reduction, out)


@in_bands
def _mix_enlarged_rows(
    begin: int,
    end: int,
    pictures: Pictures,
    frames: Pictures,
    maps: np.ndarray,
    reduction: int,
    out: np.ndarray,
) -> None:
    width = out.shape[1]
    rows, columns, _ = maps.shape
    level = _level(frames[0])
    factor, scale, shift = _F(reduction), _F(1 / reduction), _F(0.5 / reduction - 0.5)
    flat = maps.reshape(rows, columns * MAPS)
    for y in range(begin, end):
        cell_y, in_y = _placed(_F(y) * scale + shift, rows - 4)
        wy0, wy1, wy2, wy3 = _cubic(in_y)
        above, upper, lower, below = flat[cell_y + 1], flat[cell_y + 2], flat[cell_y + 3], flat[cell_y + 4]
        between = np.empty(columns * MAPS, np.float32)
        for i in range(columns * MAPS):
            between[i] = wy0 * above[i] + wy1 * upper[i] + wy2 * lower[i] + wy3 * below[i]
        # Of each map a line, so that the loops that read them become vector code.
        values, here = np.empty((MAPS, width), np.float32), np.empty(MAPS, np.float32)
        for x in range(width):
            cell_x, in_x = _placed(_F(x) * scale + shift, columns - 4)
            wx0, wx1, wx2, wx3 = _cubic(in_x)
            # Unsigned, so that no index can count from the end and the loop over maps becomes vector code.
            first = np.uintp((cell_x + 1) * MAPS)
            near = between[first : first + np.uintp(4 * MAPS)]
            for i in range(MAPS):
                here[i] = (
                    wx0 * near[i] + wx1 * near[MAPS + i] + wx2 * near[2 * MAPS + i] + wx3 * near[3 * MAPS + i]
                )
            for i in range(_WEIGHTS):
                values[i, x] = factor * here[i]
            for i in range(_WEIGHTS, MAPS):
                values[i, x] = here[i]
        line = np.zeros((width, 4), np.float32)
        for j in range(STILL):
            dx, dy, weight = values[2 * j], values[2 * j + 1], values[_WEIGHTS + j]
            _add_moving(pictures[_SOURCES[j]], (0, y), 1, dx, dy, weight, line)
        for j in range(STILL, CANDIDATES):
            _add_still(frames[_SOURCES[j]][y], values[_WEIGHTS + j], level, line)
        out[y] = line[:, :3]


@in_bands
def _round_rows(begin: int, end: int, colors: np.ndarray, out: np.ndarray) -> None:
    width = colors.shape[1]
    top = _F(255) if out.itemsize == 1 else _F(65535)
    for y in range(begin, end):
        for x in range(width):
            for c in range(3):
                out[y, x, c] = min(max(np.rint(colors[y, x, c] * top), _ZERO), top)


def to_levels(
    colors: Float32[np.ndarray, "height width 3"], dtype: Any
) -> Levels[np.ndarray, "height width 3"]:
    """Colours in [0, 1] as the nearest levels of uint8 or uint16."""
    out = np.empty(colors.shape, dtype)
    _round_rows(len(colors), colors, out)
    return out

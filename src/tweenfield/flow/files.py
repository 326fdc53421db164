"""Flow from and to files: Middlebury .flo, NumPy .npz and .npy, and folders of .flo."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32
from natsort import natsorted

from tweenfield.errors import FlowError, OutputError
from tweenfield.flow.estimator import Flow
from tweenfield.flow.velocity import invert
from tweenfield.flow.wheel import flow_to_color
from tweenfield.storage.atomic import atomic_output
from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.clip import Video

# Middlebury's format, little-endian: these bytes (the float 202021.25), width and height as int32, float32s.
_MAGIC = b"PIEH"
_HEADER = struct.Struct("<4sii")
# Longer vectors mean "unknown" there.
_UNKNOWN = 1e9


def read_flow(path: str | os.PathLike[str], video: Video) -> Flow:
    """The flow of a video, from another program or from ``write_flow``.

    Takes a ``.flo`` file (a video of two frames); an ``.npz`` file with ``forward`` and ``backward``; an
    ``.npy`` file with the forward flow, of shape (intervals, height, width, 2); a folder as ``write_flow``
    leaves it; or a folder with one forward ``.flo`` file per interval in natural order. Where there is only
    forward flow, the backward flow is its inverse. All of it is checked now, and read when it is indexed;
    only an ``.npz`` file, which is compressed or may be, is held in memory.

    Raises:
        FlowError: there is nothing usable there, or it doesn't fit the video.
    """
    path = Path(path)
    if len(video) < 2:
        raise FlowError(f"{video.name}: it has one frame; for flow two frames are needed")
    if not path.exists():
        raise FlowError(
            f"{path}: no such file or folder; give flow as .flo, .npz, .npy or a folder of .flo files"
        )
    forward: Rows
    backward: Rows | None
    if path.is_dir():
        forward, backward = _read_folder(path, video)
    elif path.suffix.lower() == ".flo":
        _check_intervals(path, 1, video)
        forward, backward = _read_files([path], video), None
    elif path.suffix.lower() in (".npz", ".npy"):
        forward, backward = _read_numpy(path, video)
    else:
        raise FlowError(f"{path}: not a flow file; give .flo, .npz, .npy or a folder of .flo files")
    if backward is None:
        backward = OnDemand(lambda k: invert(forward[k]), forward.shape, np.float32)
    return Flow(forward=forward, backward=backward, name=str(path))


def write_flow(flow: Flow, folder: str | os.PathLike[str]) -> None:
    """Write a folder with ``forward_0000.flo``, ``backward_0000.flo`` and ``forward_0000.png`` per interval.

    The pictures show the forward flow by the colour wheel, all to one scale. It appears when complete.

    Raises:
        OutputError: the folder isn't empty, or can't be written.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder}: already there and not an empty folder; give a new name or remove it")
    with atomic_output(folder) as partial:
        partial.mkdir()
        longest = 0.0
        for k, (forward, backward) in enumerate(zip(flow.forward, flow.backward, strict=True)):
            _write_flo(partial / f"forward_{k:04}.flo", forward)
            _write_flo(partial / f"backward_{k:04}.flo", backward)
            longest = max(longest, float(np.linalg.norm(forward, axis=-1).max()))
        for k, forward in enumerate(flow.forward):
            picture = cv2.cvtColor(flow_to_color(forward, longest), cv2.COLOR_RGB2BGR)
            (partial / f"forward_{k:04}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def _write_flo(path: Path, flow: Float32[np.ndarray, "height width 2"]) -> None:
    height, width = flow.shape[:2]
    path.write_bytes(_HEADER.pack(_MAGIC, width, height) + flow.astype("<f4").tobytes())


def _read_flo(path: Path, video: Video) -> Float32[np.ndarray, "height width 2"]:
    """One .flo file. Not ``cv2.readOpticalFlow``: that allocates whatever size a damaged header claims."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FlowError(f"{path}: can't be read ({error.strerror})") from error
    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise FlowError(f"{path}: not a Middlebury .flo file; it should start with the bytes PIEH and a size")
    _, width, height = _HEADER.unpack_from(data)
    _check_size(path, (height, width), video)
    expected = _HEADER.size + 8 * height * width
    if len(data) != expected:
        raise FlowError(
            f"{path}: {len(data)} bytes, but flow of {height}x{width} takes {expected}; the file is damaged"
        )
    values = np.frombuffer(data, "<f4", offset=_HEADER.size).reshape(height, width, 2).astype(np.float32)
    _check_values(path, values)
    return values


def _read_folder(folder: Path, video: Video) -> tuple[OnDemand, OnDemand | None]:
    files = natsorted((f for f in folder.iterdir() if f.suffix.lower() == ".flo"), key=lambda f: f.name)
    backward = [f for f in files if f.name.startswith("backward_")]
    forward = [f for f in files if f.name.startswith("forward_")] or [f for f in files if f not in backward]
    for found in (forward, backward) if backward else (forward,):
        _check_intervals(folder, len(found), video)
    return _read_files(forward, video), _read_files(backward, video) if backward else None


def _read_files(files: list[Path], video: Video) -> OnDemand:
    flows = OnDemand(lambda k: _read_flo(files[k], video), (len(files), *video.size, 2), np.float32)
    for _ in flows:  # A file that can't be used is found now, not after hours of work.
        pass
    return flows


def _read_numpy(path: Path, video: Video) -> tuple[Rows, np.ndarray | None]:
    try:
        loaded = np.load(path, allow_pickle=False, mmap_mode="r")
        if isinstance(loaded, np.ndarray):
            arrays = {"forward": loaded}
        else:
            with loaded:
                arrays = {name: loaded[name] for name in ("forward", "backward") if name in loaded}
    # For a file that is something else, cut off, or holds Python objects, NumPy raises whatever Python's own
    # parser does, or zipfile and zlib.
    except Exception as error:
        raise FlowError(f"{path}: not a NumPy file of plain numbers, or damaged; save it again") from error
    if "forward" not in arrays:
        raise FlowError(f"{path}: it holds no array named 'forward'; save one, and 'backward' if you have it")
    for name, values in arrays.items():
        if values.ndim != 4 or values.shape[-1] != 2 or values.dtype.kind not in "fiu":
            raise FlowError(
                f"{path}: {name} has shape {values.shape} and type {values.dtype}; "
                "give numbers of shape (intervals, height, width, 2)"
            )
        _check_intervals(path, len(values), video)
        _check_size(path, values.shape[1:3], video)
        for row in values:
            _check_values(path, row)
    if isinstance(loaded, np.ndarray):
        return OnDemand(lambda k: _read_row(path, k), loaded.shape, np.float32), None
    forward, backward = arrays["forward"], arrays.get("backward")
    return forward.astype(np.float32), None if backward is None else backward.astype(np.float32)


def _read_row(path: Path, k: int) -> Float32[np.ndarray, "height width 2"]:
    # Mapped anew for each row: pages of a map that stays would count as this process's memory.
    row: np.ndarray = np.load(path, allow_pickle=False, mmap_mode="r")[k].astype(np.float32)
    return row


def _check_intervals(path: Path, found: int, video: Video) -> None:
    expected = len(video) - 1
    if found != expected:
        raise FlowError(
            f"{path}: flow of {found} interval(s), but {expected} are needed, "
            f"between the {len(video)} frames of {video.name}"
        )


def _check_size(path: Path, found: tuple[int, int], video: Video) -> None:
    if tuple(found) != video.size:
        (height, width), expected = found, video.size
        raise FlowError(
            f"{path}: flow of height {height} and width {width}, "
            f"but {video.name} has height {expected[0]} and width {expected[1]}"
        )


def _check_values(path: Path, values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise FlowError(f"{path}: the flow holds NaN or infinite values, but every pixel needs a vector")
    unknown = np.count_nonzero((np.abs(values) > _UNKNOWN).any(axis=-1))
    if unknown:
        raise FlowError(
            f"{path}: the flow is unknown (over 1e9) at {unknown} pixel(s), but every pixel needs a vector"
        )

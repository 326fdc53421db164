"""What libx265 has to be told besides its settings: metadata, and what keeps it from its defects."""

from __future__ import annotations

from tweenfield.errors import OutputError
from tweenfield.video.hdr import Hdr, x265_parameters

# With fewer frames, and those reordered, the time stamps of decoding are left to chance (issue 781 of
# Multicorewareinc/x265).
REORDERED = 3
_SMALLEST = 16
# Up to a width of 48 pixels, x265 4.2 writes beyond the end of an array of its "cutree", with AVX2 or later.
_NARROW = 64


def x265_options(size: tuple[int, int], frames: int, hdr: Hdr | None) -> dict[str, str]:
    """Options of the encoder for frames of ``size`` (height, width); ``frames`` is how many, if less than
    ``REORDERED``.

    Raises:
        OutputError: a side is too short.
    """
    height, width = size
    if min(size) < _SMALLEST:
        raise OutputError(
            f"frames of {height}x{width} can't be HEVC, which needs {_SMALLEST}x{_SMALLEST} pixels or more; "
            "choose .webm or a folder of PNGs"
        )
    parameters = ["log-level=error", *x265_parameters(hdr)]
    if width < _NARROW:
        parameters.append("no-cutree=1")
    if frames < REORDERED:
        parameters.append("bframes=0")
    return {"x265-params": ":".join(parameters)}

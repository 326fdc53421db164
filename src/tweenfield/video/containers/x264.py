"""What libx264 has to be told besides its settings: metadata, and what keeps it from its defects."""

from __future__ import annotations

import cv2

from tweenfield.video.hdr import Hdr, x264_parameters

_WIDEST = "AVX512-SKX"


def x264_options(hdr: Hdr | None) -> dict[str, str]:
    """Options of the encoder."""
    parameters = x264_parameters(hdr)
    # With AVX-512, its MB-tree reads memory that was never written, unless the width is a multiple of 128.
    if _WIDEST in cv2.getCPUFeaturesLine().replace("*", "").split():
        parameters.append("asm=AVX2")
    return {"x264-params": ":".join(parameters)} if parameters else {}

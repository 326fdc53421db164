"""What of a picture a file can't hold, to be said before the work begins."""

from __future__ import annotations

import av

from tweenfield.video.color import bits_of
from tweenfield.video.containers.base import Container, Look
from tweenfield.video.containers.coded import Coded
from tweenfield.video.containers.gif import Gif


def reductions(container: Container, size: tuple[int, int], look: Look) -> list[str]:
    """A sentence for each property of frames of (height, width) that is lost."""
    codec, clear = None, False
    if isinstance(container, Coded):
        clear = container.stays_clear(look)
        codec = container.codec_for(look.encoding, look.depth, clear=clear)
        bits = bits_of(av.VideoFormat(codec.pixel_format(look.encoding, size, look.depth, clear=clear)))
    elif isinstance(container, Gif):
        bits = 8
    else:
        return []
    said = []
    if isinstance(container, Gif) and look.transparent:
        said.append("a pixel is there or not here: what is less than half opaque is left out")
    if bits < look.depth:
        instead = "--codec ffv1 in .mkv or a folder of PNGs keeps all"
        if "hevc" in container.codecs and not clear and look.depth > 10:
            instead = f"--codec hevc --pixel-format yuv420p12le keeps 12, {instead}"
        said.append(f"{look.depth} bits per component are written with {bits}; {instead}")
    if look.hdr is None or (codec and codec.tells_hdr):
        return said
    if codec is None or codec.matroska is None:
        said.append(
            "what the video says of its display and light levels is left out; choose .mp4, .mov or .mkv to "
            "keep it"
        )
    elif (look.hdr.max_cll == 0) != (look.hdr.max_fall == 0):
        said.append("one of the two light levels is unknown, and the other can't be written without it")
    return said

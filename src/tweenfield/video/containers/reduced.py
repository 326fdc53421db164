"""What of a picture a file can't hold, to be said before the work begins."""

from __future__ import annotations

import av

from tweenfield.video.color import bits_of
from tweenfield.video.containers.base import Container, Look
from tweenfield.video.containers.coded import Coded
from tweenfield.video.containers.gif import Gif


def reductions(container: Container, size: tuple[int, int], look: Look) -> list[str]:
    """A sentence for each property of frames of (height, width) that is lost."""
    if isinstance(container, Coded):
        clear = container.stays_clear(look)
        codec = container.codec_for(look.encoding, look.depth, clear=clear)
        bits = bits_of(av.VideoFormat(codec.pixel_format(look.encoding, size, look.depth, clear=clear)))
        tells, more = codec.tells_hdr, "hevc" in container.codecs and not clear
    elif isinstance(container, Gif):
        bits, tells, more, clear = 8, False, False, False
    else:
        return []
    said = []
    if bits < look.depth:
        instead = "--codec ffv1 in .mkv or a folder of PNGs keeps all"
        if more and look.depth > 10:
            instead = f"--codec hevc --pixel-format yuv420p12le keeps 12, {instead}"
        said.append(f"{look.depth} bits per component are written with {bits}; {instead}")
    if look.hdr is not None and not tells:
        instead = "a folder of PNGs" if clear else "--codec hevc or av1 in .mp4 or .mkv"
        said.append(
            f"what the video says of its display and light levels is left out; choose {instead} to keep it"
        )
    return said

"""The codecs that can be asked for: encoder, quality, and the pixel formats they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import av

from tweenfield.errors import UsageError
from tweenfield.video.color import has_alpha


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a picture is to be encoded; what is left open is chosen to fit.

    Attributes:
        codec: ``h264``, ``hevc``, ``av1``, ``vp9``, ``prores`` or ``ffv1``.
        crf: constant rate factor: less is better and larger.
        pixel_format: by FFmpeg's name.
    """

    codec: str | None = None
    crf: float | None = None
    pixel_format: str | None = None


@dataclass(frozen=True, kw_only=True)
class Codec:
    """One codec.

    Attributes:
        encoder: FFmpeg's name.
        formats: pixel formats for 8 bits: 4:2:0 or what else is usual, last the one for odd sides.
        deep: likewise for more bits.
        clear: likewise for transparent pictures; none where there is no opacity.
        deep_clear: likewise for more bits.
        options: for the encoder.
        clear_options: what changes of them for transparent pictures.
        crf: constant rate factor unless another one is asked for; None where there is none.
        worst: the highest one.
        tag: four letters that players of MP4 want to see.
        tells_hdr: whether it says on which display the video was graded, and its light levels.
        matroska: what Matroska calls it, if the container has to say that.
        threads: how many encode; 0 leaves it to the encoder, where the bytes don't depend on it.
        piece: format of a file for a piece of the whole, one that keeps the order of decoding.
        unpacked: bitstream filter that undoes what that format does to packets.
    """

    encoder: str
    formats: tuple[str, ...]
    deep: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    deep_clear: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    clear_options: Mapping[str, str] = field(default_factory=dict)
    crf: float | None = None
    worst: float = 51
    tag: str | None = None
    tells_hdr: bool = False
    matroska: str | None = None
    threads: int = 0
    piece: str = "mov"
    unpacked: str = "null"

    def options_for(self, encoding: Encoding, *, clear: bool) -> dict[str, str]:
        """Options of the encoder for pictures that are transparent or not."""
        crf = self.crf if encoding.crf is None else encoding.crf
        options = {**self.options, **(self.clear_options if clear else {})}
        return options | ({} if crf is None else {"crf": f"{crf:g}"})

    def pixel_format(self, encoding: Encoding, size: tuple[int, int], depth: int, *, clear: bool) -> str:
        """What is asked for, or what suits pictures of this (height, width), so many bits, and transparent or
        not.
        """
        if encoding.pixel_format:
            return encoding.pixel_format
        odd = size[0] % 2 or size[1] % 2
        usual, deep = (self.clear, self.deep_clear) if clear else (self.formats, self.deep)
        formats = deep if depth > 8 and deep else usual
        return formats[-1] if odd else formats[0]

    def keeps_alpha(self, encoding: Encoding) -> bool:
        """Whether transparent pictures stay so."""
        return bool(self.clear) and allows_alpha(encoding)


CODECS: dict[str, Codec] = {
    # Half the preset's lookahead: files are as small, and at 1080p it takes 130 MB less memory.
    "h264": Codec(
        encoder="libx264",
        formats=("yuv420p", "yuv444p"),
        deep=("yuv420p10le", "yuv444p10le"),
        options={"preset": "medium", "rc-lookahead": "20"},
        crf=14,
        tells_hdr=True,
        threads=3,
        unpacked="h264_mp4toannexb",
    ),
    "hevc": Codec(
        encoder="libx265",
        formats=("yuv420p", "yuv444p"),
        deep=("yuv420p10le", "yuv444p10le"),
        options={"preset": "medium"},
        crf=14,
        tag="hvc1",
        tells_hdr=True,
        threads=1,
        unpacked="hevc_mp4toannexb",
    ),
    "av1": Codec(
        encoder="libsvtav1",
        formats=("yuv420p",),
        deep=("yuv420p10le",),
        options={"preset": "7"},
        crf=20,
        worst=63,
        tells_hdr=True,
        piece="mp4",
    ),
    "vp9": Codec(
        encoder="libvpx-vp9",
        formats=("yuv420p",),
        clear=("yuva420p",),
        options={"b": "0", "row-mt": "1", "deadline": "good", "cpu-used": "3"},
        crf=20,
        worst=63,
        matroska="V_VP9",
        threads=4,
        # MP4 and NUT drop opacity.
        piece="matroska",
    ),
    "prores": Codec(
        encoder="prores_ks",
        formats=("yuv422p10le",),
        clear=("yuva444p10le",),
        options={"profile": "hq", "vendor": "apl0"},
        clear_options={"profile": "4444"},
        matroska="V_PRORES",
        piece="mov",
    ),
    "ffv1": Codec(
        encoder="ffv1",
        formats=("bgr0",),
        deep=("gbrp16le",),
        clear=("bgra",),
        deep_clear=("gbrap16le",),
        options={"level": "3", "slicecrc": "1"},
        matroska="V_FFV1",
        piece="nut",
    ),
    "raw": Codec(
        encoder="rawvideo",
        formats=("yuv420p", "yuv444p"),
        deep=("yuv420p10le", "yuv444p10le"),
        piece="nut",
    ),
}


def allows_alpha(encoding: Encoding) -> bool:
    """Whether no pixel format without opacity is asked for."""
    try:
        return encoding.pixel_format is None or has_alpha(av.VideoFormat(encoding.pixel_format))
    except ValueError:  # There is no such format, which ``check_encoding`` says.
        return False


def check_encoding(
    encoding: Encoding, codecs: tuple[str, ...], where: str, usual: str | None = None
) -> Codec:
    """The codec that is asked for, or the usual one, by default the first of those that a container holds.

    Raises:
        UsageError: the container doesn't hold it, or it can't do what is asked for.
    """
    name = encoding.codec or usual or codecs[0]
    if name not in codecs:
        if name not in CODECS:
            raise UsageError(f"there is no codec {name!r}; use {', '.join(k for k in CODECS if k != 'raw')}")
        raise UsageError(f"{where}: this can't hold {name}; use {', '.join(codecs)}, or another kind of file")
    codec = CODECS[name]
    if encoding.crf is not None:
        if codec.crf is None:
            raise UsageError(f"{where}: {name} has no constant rate factor; leave out --crf")
        if not 0 <= encoding.crf <= codec.worst:
            raise UsageError(
                f"{where}: {name} takes a constant rate factor from 0 to {codec.worst:g}, not "
                f"{encoding.crf:g}; choose one in between"
            )
    if encoding.pixel_format is not None:
        taken = [f.name for f in av.Codec(codec.encoder, "w").video_formats or ()]
        if not taken:
            raise UsageError(f"{where}: there is no choice of pixel format here; leave out --pixel-format")
        if encoding.pixel_format not in taken:
            raise UsageError(
                f"{where}: {name} can't write the pixel format {encoding.pixel_format!r}; use one of "
                f"{', '.join(taken)}"
            )
    return codec

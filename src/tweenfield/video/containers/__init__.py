"""Frames in, one kind of file or folder out: each container in a file of its own."""

import os

from tweenfield.video.carrying import Holds
from tweenfield.video.containers.base import Container, InPieces, Look
from tweenfield.video.containers.codecs import CODECS, Codec, Encoding, check_encoding
from tweenfield.video.containers.coded import Coded
from tweenfield.video.containers.gif import Gif
from tweenfield.video.containers.pngs import Pngs
from tweenfield.video.containers.reduced import reductions

# SVT-AV1 tells its settings on stderr unless it is told to name errors only.
os.environ.setdefault("SVT_LOG", "1")

_IN_MP4 = Holds(
    # MP4 can hold uncompressed sound as well, but most players can't play that.
    sound=frozenset(["aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"]),
    sound_encoder="aac",
    subtitles=frozenset(["mov_text"]),
    subtitle_encoder="mov_text",
)
_IN_QUICKTIME = Holds(
    sound=frozenset(
        ["aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"]
    ),
    sound_encoder="aac",
    subtitles=frozenset(["mov_text"]),
    subtitle_encoder="mov_text",
    # FFmpeg's muxer drops them without a word.
    covers_last=True,
)
_COMPRESSED = (
    "aac",
    "ac3",
    "alac",
    "dts",
    "eac3",
    "flac",
    "mlp",
    "mp1",
    "mp2",
    "mp3",
    "opus",
    "truehd",
    "tta",
)
_UNCOMPRESSED = ("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le")
_IN_MATROSKA = Holds(
    # What FFmpeg's muxer knows a name for.
    sound=frozenset(
        [*_COMPRESSED, "vorbis", "wavpack", *_UNCOMPRESSED, "pcm_u8", "pcm_s32be", "pcm_f32le", "pcm_f64le"]
    ),
    sound_encoder="aac",
    subtitles=frozenset(
        ["subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"]
    ),
    subtitle_encoder="subrip",
    attachments=True,
    covers=frozenset(["mjpeg", "png", "bmp", "gif", "tiff", "webp"]),
)
_IN_WEBM = Holds(
    sound=frozenset(["opus", "vorbis"]),
    sound_encoder="libopus",
    sound_rate=48000,
    subtitles=frozenset(["webvtt"]),
    subtitle_encoder="webvtt",
    covers=frozenset(),
)
_FAST_START = {"movflags": "+faststart"}

# Every container by the extension that asks for it; none stands for a folder.
CONTAINERS: dict[str, Container] = {
    ".mp4": Coded(
        muxer="mp4", codecs=("h264", "hevc", "av1", "vp9"), holds=_IN_MP4, options=_FAST_START, deep="hevc"
    ),
    ".mov": Coded(
        muxer="mov",
        codecs=("h264", "hevc", "prores"),
        holds=_IN_QUICKTIME,
        options=_FAST_START,
        deep="hevc",
        clear=("prores",),
    ),
    ".mkv": Coded(
        muxer="matroska",
        codecs=("h264", "hevc", "av1", "vp9", "prores", "ffv1"),
        holds=_IN_MATROSKA,
        deep="hevc",
        clear=("vp9", "prores", "ffv1"),
        deep_clear="prores",
    ),
    ".webm": Coded(
        muxer="webm",
        codecs=("vp9", "av1"),
        holds=_IN_WEBM,
        deep="av1",
        clear=("vp9",),
        square_pixels=True,
    ),
    # More than 8 bits are an extension of the format, which FFmpeg doesn't write unasked.
    ".y4m": Coded(muxer="yuv4mpegpipe", codecs=("raw",), holds=None, deep="raw", options={"strict": "-1"}),
    ".gif": Gif(),
    "": Pngs(),
}

__all__ = [
    "CODECS",
    "CONTAINERS",
    "Codec",
    "Coded",
    "Container",
    "Encoding",
    "InPieces",
    "Look",
    "check_encoding",
    "reductions",
]

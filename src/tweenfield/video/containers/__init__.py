"""Frames in, one kind of file or folder out: each container in a file of its own."""

import os

from tweenfield.video.containers.base import Container, Look
from tweenfield.video.containers.coded import Coded
from tweenfield.video.containers.gif import Gif
from tweenfield.video.containers.pngs import Pngs
from tweenfield.video.sound import SoundFormat

# Half the preset's lookahead: files are as small, and at 1080p it takes 130 MB less memory.
_H264 = {"crf": "14", "preset": "medium", "rc-lookahead": "20"}
_HEVC = {"crf": "14", "preset": "medium"}
# libvpx as it comes inside PyAV has no more than 8 bits.
_AV1 = {"crf": "18", "preset": "6"}
# SVT-AV1 tells its settings on stderr unless it is told to name errors only.
os.environ.setdefault("SVT_LOG", "1")
_VP9 = {"crf": "20", "b": "0", "row-mt": "1", "deadline": "good", "cpu-used": "3"}

# MP4 can hold uncompressed sound as well, but most players can't play that.
_IN_MP4 = SoundFormat(kept=frozenset(["aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"]), encoder="aac")
_IN_MATROSKA = SoundFormat(kept=None, encoder="aac")
_IN_WEBM = SoundFormat(kept=frozenset(["opus", "vorbis"]), encoder="libopus", rate=48000)

# Every container by the extension that asks for it; none stands for a folder.
CONTAINERS: dict[str, Container] = {
    ".mp4": Coded(
        codec="libx264",
        options=_H264,
        deep=("libx265", _HEVC),
        sound=_IN_MP4,
        muxer_options={"movflags": "+faststart"},
    ),
    ".mkv": Coded(codec="libx264", options=_H264, deep=("libx265", _HEVC), sound=_IN_MATROSKA),
    ".webm": Coded(
        codec="libvpx-vp9", options=_VP9, deep=("libsvtav1", _AV1), sound=_IN_WEBM, square_pixels=True
    ),
    ".gif": Gif(),
    "": Pngs(),
}

__all__ = ["CONTAINERS", "Container", "Look"]

"""A stream whose container says on which display the picture was graded, for encoders that can't say it.

PyAV has no call for that, but it copies what it finds at another stream. So a Matroska file that holds
nothing but the description of such a stream is made in memory, and read.
"""

from __future__ import annotations

import struct
from io import BytesIO

import av

from tweenfield.video.hdr import Hdr


def graded(
    container: av.container.OutputContainer, encoder: av.VideoCodecContext, matroska: str, hdr: Hdr
) -> av.VideoStream:
    """A new stream for packets of an open ``encoder``, whose codec Matroska calls so."""
    with av.open(BytesIO(_described(matroska, hdr)), format="matroska") as source:
        stream: av.VideoStream = container.add_stream_from_template(source.streams.video[0], opaque=True)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = encoder.width, encoder.height, encoder.pix_fmt
    context.sample_aspect_ratio, context.framerate = encoder.sample_aspect_ratio, encoder.framerate
    context.color_range, context.colorspace = encoder.color_range, encoder.colorspace
    context.color_primaries, context.color_trc = encoder.color_primaries, encoder.color_trc
    context.codec_tag, context.bits_per_coded_sample = encoder.codec_tag, encoder.bits_per_coded_sample
    context.profile, context.field_order = encoder.profile, encoder.field_order
    stream.time_base = encoder.time_base
    if encoder.extradata:
        context.extradata = encoder.extradata
    return stream


def _described(matroska: str, hdr: Hdr) -> bytes:
    """A file with one track; names of elements are those of RFC 9559."""
    color = b""
    if hdr.max_cll and hdr.max_fall:
        color += _number(0x55BC, hdr.max_cll) + _number(0x55BD, hdr.max_fall)
    if (d := hdr.display) is not None:
        values = (*d.red, *d.green, *d.blue, *d.white, d.brightest, d.darkest)
        named = enumerate(map(float, values), start=0x55D1)
        color += _element(0x55D0, b"".join(_element(name, struct.pack(">d", v)) for name, v in named))
    picture = _element(0xE0, _number(0xB0, 16) + _number(0xBA, 16) + _element(0x55B0, color))
    track = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1) + _element(0x86, matroska.encode())
    return _element(0x1A45DFA3, _element(0x4282, b"matroska")) + _element(
        0x18538067,
        # Ticks of a million nanoseconds; the track; a cluster at 0, without which FFmpeg sees the file's end.
        _element(0x1549A966, _number(0x2AD7B1, 1_000_000))
        + _element(0x1654AE6B, _element(0xAE, track + picture))
        + _element(0x1F43B675, _number(0xE7, 0)),
    )


def _element(name: int, content: bytes) -> bytes:
    # A length of eight bytes, of which one bit tells that there are so many.
    length = len(content) | 1 << 56
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + length.to_bytes(8, "big") + content


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(8, "big"))

"""Frames that are asked for out of order are those that are decoded in order, and not from the beginning."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from conftest import DEMO

from tweenfield import Encoding, read_video, write_video
from tweenfield.storage import on_demand
from tweenfield.video import reading

VIDEOS = Path(__file__).resolve().parents[3] / "shared/data/videos"
COUNT = 90


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each frame is decoded when it is asked for."""
    monkeypatch.setattr(on_demand, "KEPT_BYTES", 0)
    monkeypatch.setattr(on_demand, "KEPT_ROWS", 1)


@pytest.fixture
def decoded(monkeypatch):
    """How many frames were taken from a decoder, since it was cleared."""
    count = []
    through = reading._pictures

    def counted(*given):
        for frame in through(*given):
            count.append(frame.pts)
            yield frame

    monkeypatch.setattr(reading, "_pictures", counted)
    return count


def moving(count):
    y, x = np.mgrid[:48, :64]
    for k in range(count):
        channels = (3 * x + 5 * k, 5 * y + 3 * k, x * y + 7 * k)
        yield (np.stack(channels, axis=2) % 256).astype(np.uint8)


def asked(count):
    return [*np.random.default_rng(0).permutation(count)[:12].tolist(), 0, count - 1, count // 2, 1]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("a.mp4", Encoding()),
        ("a.mp4", Encoding(codec="hevc")),
        ("a.mp4", Encoding(codec="av1")),
        ("a.mkv", Encoding()),
        ("a.mkv", Encoding(codec="ffv1")),
        ("a.webm", Encoding()),
        ("a.mov", Encoding(codec="prores")),
        ("a.gif", Encoding()),
    ],
    ids=lambda value: value if isinstance(value, str) else value.codec or "usual",
)
def test_frames_out_of_order_are_those_in_order(tmp_path, name, encoding):
    write_video(tmp_path / name, moving(COUNT), rate=Fraction(30), encoding=encoding)
    in_order = [frame.copy() for frame in read_video(tmp_path / name).frames]
    assert len(in_order) == COUNT
    again = read_video(tmp_path / name).frames
    for k in asked(COUNT):
        assert np.array_equal(again[k], in_order[k])


@pytest.mark.skipif(not VIDEOS.is_dir(), reason="../shared/data/videos isn't there")
@pytest.mark.parametrize("name", ["bikes.mp4", "cup.mp4", "carphone_pristine.mp4", "asl_no.mkv"])
def test_frames_of_real_files_out_of_order(name):
    in_order = [frame.copy() for frame in read_video(VIDEOS / name, size=(32, 48)).frames]
    again = read_video(VIDEOS / name, size=(32, 48)).frames
    for k in asked(len(in_order)):
        assert np.array_equal(again[k], in_order[k])


def test_a_late_frame_is_decoded_from_the_key_frame_before(tmp_path, decoded):
    path = tmp_path / "intra.mkv"
    write_video(path, moving(COUNT), rate=Fraction(30), encoding=Encoding(codec="ffv1"))
    frames = read_video(path).frames
    for k in (80, 20, 60):
        decoded.clear()
        frames[k]
        # Each frame is a key frame; some containers lead to one a few frames earlier.
        assert len(decoded) < 15


def test_going_on_from_frame_to_frame_seeks_only_to_later_key_frames(decoded):
    video = read_video(DEMO)
    decoded.clear()
    for k in range(0, len(video), 20):
        video.frames[k]
    assert len(decoded) <= len(video)

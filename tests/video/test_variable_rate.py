"""Observed frames at their own times: a bar's place tells when it was seen."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tweenfield import ColorTags, Encoding, Look, Timing, UsageError, output_timeline, read_video, write_video
from tweenfield.video import pieces, write_in_pieces

SPEED, WIDTH = 120, 96
# In seconds: uneven, as a phone writes them.
TIMES = [Fraction(k, 600) for k in (0, 20, 40, 75, 80, 130, 150, 171, 200, 260, 280, 300)]


def bar(seconds):
    """A bright bar whose middle is at ``SPEED`` pixels per second, to a fraction of a pixel."""
    x = np.arange(WIDTH)
    row = np.clip(3.5 - np.abs(x - 8 - SPEED * float(seconds)), 0, 1)
    return np.broadcast_to((30 + 200 * row)[None, :, None], (32, WIDTH, 3)).astype(np.uint8)


def when(picture):
    """The time that the bar tells."""
    row = picture.astype(float).mean((0, 2))
    weight = np.clip(row - 60, 0, None)
    return ((weight * np.arange(WIDTH)).sum() / weight.sum() - 8) / SPEED


def shown(path):
    """When each frame is shown, by the file, and when it was seen, by its bar."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    first = frames[0].pts
    return [(float((f.pts - first) * f.time_base), when(f.to_ndarray(format="rgb24"))) for f in frames]


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    frames = [bar(t) for t in TIMES]
    write_video(path, frames, rate=24, times=TIMES, encoding=Encoding(crf=1))
    return path


def test_given_times_are_written_exactly(clip):
    assert read_video(clip).times == tuple(TIMES)


@pytest.mark.parametrize("name", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
@pytest.mark.parametrize("in_pieces", [False, True])
def test_every_frame_is_shown_when_its_bar_says(clip, tmp_path, monkeypatch, name, in_pieces):
    video = read_video(clip)
    line = output_timeline(video, fps=60, timing=Timing.source)
    assert set(TIMES) <= set(line.shown)
    drawn = [bar(t) for t in line.times]
    if in_pieces:
        for constant in ("_FEWEST", "_MOST"):
            monkeypatch.setattr(pieces, constant, 5)
        (tmp_path / "parts").mkdir()
        look = Look(rate=line.rate, color=ColorTags(), sample_aspect_ratio=Fraction(1), times=line.shown)
        write_in_pieces(
            tmp_path / name, lambda a, b: iter(drawn[a:b]), len(drawn), (32, WIDTH), look, tmp_path / "parts"
        )
        assert len(list((tmp_path / "parts").iterdir())) > 4
    else:
        write_video(tmp_path / name, drawn, rate=line.rate, times=line.shown)
    last = float(TIMES[-1])
    found = shown(tmp_path / name)
    assert len(found) == len(line)
    for file, told in found:
        assert min(file, last) == pytest.approx(told, abs=0.0021)  # a clock of 1 ms, and a codec


def test_what_keeps_no_times_says_so(clip, tmp_path):
    video = read_video(clip)
    line = output_timeline(video, timing=Timing.source)
    for name in ("o.gif", "o.y4m", "o"):
        with pytest.raises(UsageError, match="--timing constant"):
            write_video(tmp_path / name, [bar(t) for t in line.times], rate=25, times=line.shown)
        assert not (tmp_path / name).exists()

"""Where a long video is cut into pieces, and when these are joined."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tweenfield import ColorTags, Look, read_video
from tweenfield.video import Timeline, packed_piece, pieces, write_in_pieces
from tweenfield.video.pieces import piece_length, spans_of

# Pieces of 64 frames.
LARGE = (1440, 2880)
NUMBERS = st.lists(st.integers(1, 999), unique=True).map(sorted)


@given(st.integers(1, 1000), NUMBERS)
def test_pieces_are_neither_long_nor_short_and_make_up_all(count, shots):
    spans = spans_of(count, LARGE, shots)
    assert [spans[0][0], *(end for _, end in spans)] == [*(begin for begin, _ in spans), count]
    assert all(32 <= end - begin <= 64 for begin, end in spans[:-1])
    assert 1 <= spans[-1][1] - spans[-1][0] < 64 + 3
    assert piece_length(LARGE) == 64


def test_a_piece_ends_with_a_shot_if_it_can():
    assert spans_of(300, LARGE, [10, 40, 50, 130]) == [(0, 50), (50, 114), (114, 178), (178, 242), (242, 300)]
    assert spans_of(140, LARGE, [64, 96]) == [(0, 64), (64, 96), (96, 140)]
    assert spans_of(300, LARGE) == [(0, 64), (64, 128), (128, 192), (192, 256), (256, 300)]


def test_a_shot_begins_past_the_middle_of_its_cut():
    def shots(positions, begin):
        there = tuple(map(Fraction, positions))
        return Timeline(times=there, positions=there, rate=Fraction(30)).shots(begin)

    quarters = [Fraction(k, 4) for k in range(13)]
    assert shots(quarters, []) == []
    assert shots(quarters, [1, 2]) == [3, 7]
    # Of both cuts nothing is shown in between; and a map of time may stand still.
    assert shots([0, 3, 3, 3], [1, 2]) == [1]


def test_pieces_are_joined_as_they_arrive(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_FEWEST", 8)
    monkeypatch.setattr(pieces, "_MOST", 8)
    frames = np.random.default_rng(0).integers(0, 255, (32, 256, 256, 3), np.uint8)
    look = Look(rate=Fraction(30), color=ColorTags(), sample_aspect_ratio=Fraction(1))
    (tmp_path / "parts").mkdir()
    alone, target, joined = tmp_path / "alone.y4m", tmp_path / "o.y4m", []
    draw = lambda begin, end: iter(frames[begin:end])  # noqa: E731
    write_in_pieces(alone, draw, 32, (256, 256), look, tmp_path / "parts")
    parts = tmp_path / "others"
    parts.mkdir()

    def arriving(spans):
        assert spans == list(pairwise(range(0, 33, 8)))
        for number in (1, 0, 3, 2):
            yield spans[number][0], packed_piece(target, draw, spans[number], look)
            joined.append(sum(file.stat().st_size for file in parts.glob(".o.y4m.partial*")))

    write_in_pieces(target, draw, 32, (256, 256), look, parts, arriving)
    assert target.read_bytes() == alone.read_bytes() and len(read_video(target)) == 32
    # The piece that came first waits for the one before it, and so does the third.
    piece = alone.stat().st_size / 4
    assert joined[0] < piece / 2 and 1.5 * piece < joined[1] == joined[2] < 2.1 * piece
    assert {part.name for part in parts.iterdir()} == {f"{begin:09d}" for begin in range(0, 32, 8)}

"""Shots of videos that were put together from known parts."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from tweenfield.storage.on_demand import OnDemand
from tweenfield.video import Video, find_shots
from tweenfield.video.shots import find_breaks, find_cuts

HEIGHT, WIDTH = 90, 160


def scene(seed, count=24, speed=1.0):
    """A random picture of soft blots that moves to the left."""
    rng = np.random.default_rng(seed)
    wide = rng.normal(0, 1, (HEIGHT, WIDTH + 1 + int(count * speed), 3))
    wide = cv2.GaussianBlur(wide, (0, 0), 6)
    wide = np.clip(127 + 55 * wide / wide.std(), 0, 255)
    return np.stack([wide[:, round(k * speed) :][:, :WIDTH] for k in range(count)])


def video_of(*parts):
    frames = np.concatenate(parts).round().clip(0, 255).astype(np.uint8)
    return Video(
        frames=frames,
        times=tuple(Fraction(k, 25) for k in range(len(frames))),
        rate=Fraction(25),
        name="made",
    )


def listed(video):
    return [(shot.begins, *shot.frames) for shot in find_shots(video)]


def ramp(count):
    """Shares that grow evenly, without 0 and 1."""
    return ((np.arange(count) + 1) / (count + 1))[:, None, None, None]


WHOLE = [("start", 0, 24)]


@pytest.mark.parametrize(
    "second",
    [scene(2), scene(1)[:, :, ::-1], 0.2 * scene(2), np.full((24, HEIGHT, WIDTH, 3), 20.0)],
    ids=["other", "mirrored", "darker", "one colour"],
)
def test_a_hard_cut_is_found_where_it_is(second):
    video = video_of(scene(1), second)
    assert np.flatnonzero(find_cuts(video.frames)).tolist() == [23]


def test_cuts_of_short_shots_are_found():
    assert listed(video_of(scene(1, 4), scene(2, 4), scene(3, 5))) == [
        ("start", 0, 4),
        ("cut", 4, 8),
        ("cut", 8, 13),
    ]


@pytest.mark.parametrize("count", [1, 3, 6, 12, 20])
def test_a_dissolve_is_a_transition_and_no_cut(count):
    a, b = scene(1, 20, 0.2), scene(2, 20, 0.2)
    video = video_of(a, (1 - ramp(count)) * a[-1] + ramp(count) * b[0], b)
    assert not np.any(find_cuts(video.frames))
    first, second = find_shots(video)
    assert second.begins == "dissolve"
    # Its first and last frames may hardly differ from the shots.
    assert abs(first.frames[1] - 20) <= 1 + count // 10
    assert abs(second.frames[0] - (20 + count)) <= 1 + count // 10
    assert second.transition == second.frames[0] - first.frames[1]


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("half", [2, 5, 9])
def test_a_fade_between_shots_is_one_transition_and_no_cut(half, level):
    a, b = scene(1, 20, 0.2), scene(2, 20, 0.2)
    out = (np.arange(half) + 1)[:, None, None, None] / half
    gone, come = a[-1] + out * (level - a[-1]), level + out * (b[0] - level)
    video = video_of(a, gone, np.full((2, HEIGHT, WIDTH, 3), float(level)), come, b)
    assert not np.any(find_cuts(video.frames))
    first, second = find_shots(video)
    assert second.begins == "fade"
    assert abs(first.frames[1] - 20) <= 1 and abs(second.frames[0] - (21 + 2 * half)) <= 2


def test_a_fade_from_black_begins_the_first_shot():
    share = np.clip(np.arange(30) / 14, 0, 1)[:, None, None, None]
    dim = video_of(scene(1, 30, 0.2) * share)
    assert not np.any(find_cuts(dim.frames))
    (shot,) = find_shots(dim)
    assert shot.begins == "fade" and abs(shot.transition - 14) <= 2 and shot.frames[1] == 30


def test_a_video_that_only_brightens_is_one_shot():
    # From 11 to 54 of 255, which was once taken for a cut.
    level = np.interp(np.arange(24), (4, 18), (11, 54))[:, None, None, None]
    frames = scene(1, 24, 0.2)
    assert listed(video_of(frames * level / frames.mean())) == WHOLE


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("strength", [0.5, 1])
def test_a_flash_is_no_cut(count, strength):
    frames = scene(1)
    frames[9 : 9 + count] += strength * (255 - frames[9 : 9 + count])
    video = video_of(frames)
    assert not np.any(find_cuts(video.frames)) and listed(video) == WHOLE


def test_a_cut_beside_a_flash_is_a_cut():
    frames = scene(1)
    frames[20] = 255
    assert np.flatnonzero(find_cuts(video_of(frames, scene(2)).frames)).tolist() == [23]


def test_a_lamp_that_flickers_makes_no_cuts():
    lamp = np.random.default_rng(0).choice([0.5, 0.8, 1], (24, 1, 1, 1))
    assert listed(video_of(scene(1) * lamp)) == WHOLE


def test_a_blink_does_not_end_a_shot():
    frames = scene(1, 24, 0.2)
    frames[10:14] = 0
    assert listed(video_of(frames)) == WHOLE


def test_a_fast_turn_of_the_camera_is_no_cut():
    turn = scene(4, 10, 50.0)
    frames = np.concatenate((np.repeat(turn[:1], 8, 0), turn, np.repeat(turn[-1:], 8, 0)))
    assert len(listed(video_of(frames))) == 1


def test_noise_has_no_cuts_nor_has_one_of_two_frames():
    noise = np.random.default_rng(0).integers(0, 256, (12, HEIGHT, WIDTH, 3)).astype(float)
    assert listed(video_of(noise)) == [("start", 0, 12)]
    assert listed(video_of(scene(1, 1), scene(2, 1))) == [("start", 0, 2)]


@pytest.mark.parametrize("frames", [scene(1, 1), np.zeros((5, HEIGHT, WIDTH, 3)), np.zeros((3, 3, 5, 3))])
def test_a_single_frame_and_a_black_video_are_one_shot(frames):
    assert listed(video_of(frames)) == [("start", 0, len(frames))]


def test_times_of_shots_follow_each_other():
    first, second = find_shots(video_of(scene(1), scene(2)))
    assert (first.start, first.end, second.start, second.end) == (
        0,
        Fraction(24, 25),
        Fraction(24, 25),
        Fraction(48, 25),
    )


def test_a_cut_is_judged_by_the_frames_around_it():
    video, asked = video_of(scene(1, 100, 0.2), scene(2, 100, 0.2)), []

    def frame(k):
        asked.append(k)
        return video.frames[k]

    cuts = find_cuts(OnDemand(frame, video.frames.shape, np.uint8))
    assert cuts[99] and not cuts[100] and not cuts[30]
    assert set(asked) <= {0, *range(27, 35), *range(96, 105)}


def test_a_long_video_has_the_shots_of_its_parts():
    # Longer than what is looked at together, with a dissolve over the border.
    a, b = scene(1, 505, 0.02), scene(2, 60, 0.02)
    small = video_of(*(part[:, ::2, ::2] for part in (a, (1 - ramp(12)) * a[-1] + ramp(12) * b[0], b)))
    first, second = find_shots(small)
    assert second.begins == "dissolve" and abs(first.frames[1] - 505) <= 2
    assert abs(second.frames[0] - 517) <= 2 and second.frames[1] == 577


def test_breaks_are_cuts_and_both_sides_of_a_flash():
    frames = np.concatenate((scene(1), scene(2)))
    frames[10] = 250
    video = video_of(frames)
    assert np.flatnonzero(find_cuts(video.frames)).tolist() == [23]
    assert np.flatnonzero(find_breaks(video.frames)).tolist() == [9, 10, 23]


def test_fast_motion_is_no_break():
    assert not find_breaks(video_of(scene(1, speed=9.0)).frames)[:].any()

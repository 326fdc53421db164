"""Frames that repeat the one before, in clips whose cadence is known."""

from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
from conftest import DEMO
from video.clips import encode

from tweenfield.storage.on_demand import OnDemand
from tweenfield.video import (
    Video,
    compared,
    find_repeats,
    new_frames,
    output_timeline,
    read_video,
    without_repeats,
)

HEIGHT, WIDTH = 60, 96
RATE = Fraction(24)


def scene(places, seed=1):
    """A random picture of soft blots, moved to the left by so many pixels."""
    rng = np.random.default_rng(seed)
    wide = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH + 200, 3)), (0, 0), 4)
    wide = np.clip(127 + 55 * wide / wide.std(), 0, 255)
    frames = [
        cv2.warpAffine(
            wide, np.float64([[1, 0, -x], [0, 1, 0]]), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT
        )
        for x in places
    ]
    return np.rint(frames).clip(0, 255).astype(np.uint8)


def video_of(*parts, rate=RATE):
    frames = np.concatenate(parts)
    return Video(frames=frames, times=tuple(k / rate for k in range(len(frames))), rate=rate, name="made")


def cadence(hold, count):
    """Which new frame each of ``count`` frames shows, each one for ``hold`` intervals on average."""
    return np.array([int(k / hold) for k in range(count)])


def repeated(shown):
    return (np.flatnonzero(np.diff(shown) == 0) + 1).tolist()


def noisy(frames, levels, seed=0):
    noise = np.random.default_rng(seed).normal(0, levels, frames.shape)
    return np.rint(frames + noise).clip(0, 255).astype(np.uint8)


def is_left_alone(video):
    return not find_repeats(video) and without_repeats(video) is video


@pytest.mark.parametrize(
    "hold", [Fraction(*pair) for pair in ((2, 1), (3, 1), (5, 1), (5, 4), (5, 2), (6, 5))]
)
def test_a_cadence_is_found_and_its_frames_get_even_times(hold):
    # It ends with a frame that is new.
    shown = cadence(hold, 10 * hold.numerator + 1)
    video = video_of(scene(1.5 * hold * shown))
    assert find_repeats(video) == repeated(shown)
    new = without_repeats(video)
    assert new.times == tuple(n * hold / RATE for n in range(shown[-1] + 1))
    first_shown = np.searchsorted(shown, np.arange(shown[-1] + 1))
    assert np.array_equal(new.frames, video.frames[first_shown])
    assert (new.times[0], new.times[-1], new.rate) == (video.times[0], video.times[-1], video.rate)


def test_a_last_frame_that_repeats_is_kept_so_that_the_length_does_not_change():
    video = video_of(scene(3 * cadence(2, 40)))
    assert find_repeats(video) == list(range(1, 40, 2))
    new = without_repeats(video)
    assert [t * RATE for t in new.times] == [*range(0, 40, 2), 39]
    assert len(output_timeline(new, fps="2x")) == len(output_timeline(video, fps="2x"))


def test_the_phase_of_a_cadence_does_not_matter():
    for phase in range(5):
        shown = cadence(Fraction(5, 4), 60)[phase:]
        video = video_of(scene(2.0 * shown))
        assert find_repeats(video) == repeated(shown)
        times = [t * RATE for t in without_repeats(video).times]
        # The first frame may be cut short, and the last one is where it was.
        assert {b - a for a, b in pairwise(times[1:-1])} == {Fraction(5, 4)}
        assert times[-1] == len(shown) - 1 and 0 < times[-1] - times[-2] < 3


def test_a_stutter_loses_the_repeat_and_its_neighbours_keep_their_times():
    shown = np.arange(60)
    lost = [7, 19, 23, 24, 41, 52]
    for k in lost:
        shown[k] = shown[k - 1]
    video = video_of(scene(2.0 * shown))
    assert find_repeats(video) == lost
    kept = [k for k in range(60) if k not in lost]
    assert without_repeats(video).times == tuple(video.times[k] for k in kept)


def test_frames_lost_in_a_regular_pattern_are_told_from_a_cadence_by_the_jump_of_the_motion():
    shown = np.arange(60)
    shown[4::5] = shown[3::5]
    video = video_of(scene(1.0 * shown))
    assert find_repeats(video) == list(range(4, 60, 5))
    assert set(without_repeats(video).times) <= set(video.times)


def test_a_cadence_and_plain_motion_in_one_shot_each_get_their_times():
    shown = np.concatenate((np.arange(30), 30 + cadence(2, 30), np.arange(45, 70)))
    moved = np.concatenate((np.arange(30), np.arange(30, 60)[::2].repeat(2), np.arange(60, 85)))
    video = video_of(scene(2.0 * moved))
    assert find_repeats(video) == repeated(shown)
    assert all(t in video.times for t in without_repeats(video).times)


@pytest.mark.parametrize("crf", ["18", "23", "28"])
@pytest.mark.parametrize("hold", [Fraction(2), Fraction(5, 4)])
def test_repeats_of_a_real_clip_are_found_after_lossy_compression(hold, crf, tmp_path):
    film = read_video(DEMO).frames
    shown = cadence(hold, 40)
    # Every second frame, to and fro.
    source = np.concatenate((np.arange(0, 41, 2), np.arange(39, 0, -2)))[shown]
    path = encode(tmp_path / "o.mkv", film[source], rate=RATE, options={"crf": crf})
    video = read_video(path)
    assert find_repeats(video) == repeated(shown)
    new = without_repeats(video)
    assert (new.times[0], new.times[-1], new.rate) == (video.times[0], video.times[-1], RATE)


def test_a_real_clip_without_repeats_is_left_alone():
    assert is_left_alone(read_video(DEMO))


STILL = scene([0] * 40)
NOISE = np.random.default_rng(0).integers(0, 256, (40, HEIGHT, WIDTH, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "frames",
    [
        STILL,
        noisy(STILL, 2),
        NOISE,
        scene(2.0 * np.arange(40)),
        noisy(scene(2.0 * np.arange(40)), 5),
        scene(0.02 * np.arange(40)),
        np.concatenate((STILL[:30], scene(2.0 * np.arange(30), seed=2))),
        np.concatenate((scene(2.0 * np.arange(20)), scene([38] * 20))),
        np.concatenate((STILL[:12], scene([3] * 12), scene([6] * 12), scene([9] * 12))),
        STILL[:1],
        STILL[:2],
        np.concatenate((STILL[:1], scene([0], seed=2))),
    ],
    ids=[
        "still",
        "still with noise",
        "noise",
        "motion",
        "motion with noise",
        "hardly any motion",
        "title card",
        "motion that ends",
        "slides",
        "one frame",
        "two frames",
        "two shots",
    ],
)
def test_what_does_not_repeat_while_it_moves_is_left_alone(frames):
    assert is_left_alone(video_of(frames))


def test_a_small_thing_that_moves_on_is_no_repeat():
    shown = cadence(2, 40)
    large = scene(3.0 * shown)
    large[:, :20] = 90
    assert find_repeats(video_of(large)) == repeated(shown)
    small = large.copy()
    for k in range(40):
        small[k, 6:14, 2 * k : 2 * k + 8] = 200
    assert is_left_alone(video_of(small))
    alone = noisy(STILL, 1)
    for k in range(40):
        alone[k, 6:14, 2 * k : 2 * k + 8] = 255
    assert is_left_alone(video_of(alone))


def test_a_faint_background_that_moves_on_is_no_repeat():
    figure = scene(3.0 * cadence(2, 40))
    sky = scene(1.0 * np.arange(40), seed=3)
    both = np.where(np.arange(WIDTH)[:, None] < 30, figure, 100 + sky // 4)
    assert is_left_alone(video_of(both.astype(np.uint8)))


def test_a_cadence_is_judged_shot_by_shot():
    twos, ones = cadence(2, 25), np.arange(24)
    video = video_of(scene(3.0 * twos), scene(2.0 * ones, seed=2), scene(3.0 * twos, seed=4))
    # The 24th frame is shown once only, as the shot ends: nothing is compared across the cut.
    assert find_repeats(video) == [*range(1, 25, 2), *range(50, 73, 2)]
    assert all(t in video.times for t in without_repeats(video).times)


@pytest.mark.parametrize("length", [1, 3, 26])
def test_stretches_that_are_compared_apart_are_as_in_one_go(length):
    video = video_of(
        scene(3.0 * cadence(2, 25)), scene(2.0 * np.arange(2), seed=2), scene(np.zeros(9), seed=4)
    )
    whole = list(compared(video))
    assert [k for k, interval in enumerate(whole) if interval is None] == [24, 26]
    ends = [*range(0, 35, length), 35]
    assert [list(compared(video, begin, end)) for begin, end in pairwise(ends)] == [
        whole[begin:end] for begin, end in pairwise(ends)
    ]
    apart = [interval for begin, end in pairwise(ends) for interval in compared(video, begin, end)]
    new, shots = new_frames(video, apart)
    assert new.times == without_repeats(video).times
    # Of the first 25 frames 12 repeat the one before.
    assert shots == [13, 15]


def test_times_of_a_variable_rate_are_followed():
    shown = cadence(Fraction(5, 4), 41)
    steps = [Fraction(1, 30) if k < 20 else Fraction(1, 15) for k in range(41)]
    video = Video(
        frames=scene(2.0 * shown), times=tuple(sum(steps[:k], Fraction(0)) for k in range(41)), rate=RATE
    )
    new = without_repeats(video)
    assert new.times[:5] == tuple(Fraction(n, 24) for n in range(5))
    assert new.times[-5:] == tuple(video.times[-1] - Fraction(n, 12) for n in range(4, -1, -1))


def test_each_frame_is_asked_for_once_and_in_order():
    video, asked = video_of(scene(3.0 * cadence(2, 40)), scene(2.0 * np.arange(20), seed=2)), []

    def frame(k):
        asked.append(k)
        return video.frames[k]

    frames = OnDemand(frame, video.frames.shape, np.uint8, keep=False)
    long = Video(frames=frames, times=video.times, rate=video.rate)
    assert find_repeats(long) == list(range(1, 40, 2))
    assert asked == list(range(60))

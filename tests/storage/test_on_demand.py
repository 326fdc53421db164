"""Long clips in bounded memory: rows on demand are those of an array, and few of them are held."""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import safetensors.numpy
import torch
from conftest import to_8bit, waves
from flow.patterns import moved, video_of
from video.clips import encode, texture

from tweenfield import (
    Dis,
    LeaveOut,
    VideoError,
    estimate_flow,
    read_flow,
    read_video,
    write_flow,
    write_video,
)
from tweenfield.flow import sampling
from tweenfield.flow.observed import Observed
from tweenfield.storage import on_demand
from tweenfield.storage.on_demand import KEPT_ROWS, Ahead, OnDemand
from tweenfield.storage.tensor_file import read_safetensors, write_safetensors


@pytest.fixture
def nothing_fits(monkeypatch):
    """As if every clip were too long for memory: only the fewest rows are kept."""
    monkeypatch.setattr(on_demand, "KEPT_BYTES", 0)


@pytest.mark.parametrize(
    "key",
    [3, -1, np.s_[2:5], np.s_[::-2], np.s_[:], [4, 0, 4], np.s_[7:7], np.s_[2, 1:, ::2], np.s_[1:4, 0]],
    ids=str,
)
def test_indexing_is_that_of_an_array(key):
    values = np.random.default_rng(0).integers(0, 255, (7, 4, 5), np.uint8)
    found = OnDemand(lambda k: values[k].copy(), values.shape, values.dtype)[key]
    np.testing.assert_array_equal(found, values[key])
    assert found.dtype == values.dtype


def test_a_row_outside_is_an_index_error():
    with pytest.raises(IndexError):
        OnDemand(np.zeros, (3,), float)[3]


def test_the_rows_asked_for_last_are_kept_and_no_others(nothing_fits):
    made = []
    rows = OnDemand(lambda k: made.append(k) or np.full(2, k), (50, 2), int)
    for _ in range(2):
        for k in range(KEPT_ROWS):
            rows[k]
    assert made == list(range(KEPT_ROWS))
    rows[0], rows[40], rows[0], rows[1]
    assert made[KEPT_ROWS:] == [40, 1]
    with pytest.raises(ValueError, match="read-only"):
        rows[0][0] = 9


def in_any_order(count):
    ascending = list(range(count))
    return [*ascending, *reversed(ascending), *np.random.default_rng(0).permutation(count).tolist()]


@pytest.mark.parametrize("text", [None, "3:40:3", "-20:-2"])
def test_frames_decoded_on_demand_are_those_decoded_at_once(tmp_path, monkeypatch, text):
    path = encode(tmp_path / "a.mp4", texture(48, 48, 64), options={"g": "12", "bf": "3"})
    at_once = np.asarray(read_video(path, frames=text, size=(32, 40)).frames)
    monkeypatch.setattr(on_demand, "KEPT_BYTES", 0)
    video = read_video(path, frames=text, size=(32, 40))
    for k in in_any_order(len(video)):
        np.testing.assert_array_equal(video.frames[k], at_once[k])
    every_second = video.select(range(0, len(video), 2))
    np.testing.assert_array_equal(every_second.frames[2:4], at_once[4:8:2])


def test_images_are_read_on_demand(tmp_path, nothing_fits):
    pictures = texture(9, 16, 24)
    for k, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f"{k}.png"), picture[..., ::-1])
    video = read_video(tmp_path)
    for k in in_any_order(9):
        np.testing.assert_array_equal(video.frames[k], pictures[k])


def test_a_file_cut_short_while_it_is_read_is_an_error_and_leaves_nothing(tmp_path, nothing_fits):
    path = encode(tmp_path / "a.mkv", texture(48, 96, 128), options={"g": "6"})
    video = read_video(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match=r"a\.mkv: the file (is damaged or cut short|has changed)"):
        write_video(tmp_path / "out.mp4", video.frames, rate=video.rate)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_flow_on_demand_is_that_of_every_pair(tmp_path, nothing_fits):
    video = video_of([moved(24, 32, 0.1 * k * k, 0) for k in range(8)])
    flow = estimate_flow(video, Dis())
    write_flow(flow, tmp_path / "flow")
    np.save(tmp_path / "flow.npy", flow.forward)
    folder, array = read_flow(tmp_path / "flow", video), read_flow(tmp_path / "flow.npy", video)
    for k in in_any_order(7):
        ahead = Dis()(video.frames[k], video.frames[k + 1])
        for found in (flow, folder, array):
            np.testing.assert_array_equal(found.forward[k], ahead)
        for found in (flow, folder):
            np.testing.assert_array_equal(found.backward[k], Dis()(video.frames[k + 1], video.frames[k]))


def test_neighbouring_rows_are_made_ahead_and_none_beyond_the_end():
    made = []
    rows = OnDemand(lambda k: made.append(k) or np.full(2, k), (6, 2), int)
    ahead = Ahead(rows)
    assert ahead[4][0] == 4 and ahead[0][0] == 0
    assert made == [4, 0]  # no two in a row yet
    for k in (1, 2, 3, 4, 5):
        assert ahead[k][0] == k
    assert sorted(made) == [0, 1, 2, 3, 4, 5]


def test_a_row_that_is_kept_is_had_while_another_is_made():
    begun, go_on = threading.Event(), threading.Event()

    def make(k):
        if k:
            begun.set()
            assert go_on.wait(60)
        return np.full(2, k)

    rows = OnDemand(make, (3, 2), int)
    assert rows[0][0] == 0
    with ThreadPoolExecutor(1) as other:
        slow = other.submit(rows.__getitem__, 1)
        assert begun.wait(60)
        assert rows[0][0] == 0
        go_on.set()
        assert slow.result()[0] == 1


@pytest.mark.parametrize("kept", [5, 6])
def test_all_rows_are_made_ahead_if_there_is_room_for_all(kept, monkeypatch):
    monkeypatch.setattr(on_demand, "KEPT_BYTES", 0)
    made = []
    rows = OnDemand(lambda k: made.append(k) or np.full(2, k), (6, 2), int, least=kept)
    ahead = Ahead(rows)
    assert ahead[2][0] == 2 and ahead[3][0] == 3
    ahead._thread.submit(int).result()  # what was begun before is done
    while rows.keeps_all and len(made) < 6:
        time.sleep(0.001)
    ahead._thread.shutdown()
    assert made == ([2, 3, 4, 5, 0, 1] if kept == 6 else [2, 3, 4])


def test_tensors_written_row_by_row_are_read_by_the_library_and_back(tmp_path, nothing_fits):
    random = np.random.default_rng(0)
    values = random.normal(size=(9, 3, 5)).astype(np.float16)
    arrays = {
        "odd": random.integers(0, 255, (7, 3), np.uint8),
        "flags": np.array([True, False, True]),
        "rows": OnDemand(lambda k: values[k], values.shape, values.dtype),
        "weights": random.normal(size=(4, 2)).astype(np.float32),
        "step": np.array(3.0, np.float32),
    }
    with (tmp_path / "a").open("wb") as file:
        write_safetensors(file, arrays, {"about": "a test"})
    library, ours = safetensors.numpy.load_file(tmp_path / "a"), read_safetensors(tmp_path / "a")
    assert library.keys() == arrays.keys() and ours.keys() == arrays.keys() - {"step"}
    for name, found in [*library.items(), *ours.items()]:
        np.testing.assert_array_equal(found, arrays[name])
        assert found.dtype == arrays[name].dtype
    with safetensors.safe_open(tmp_path / "a", framework="np") as file:
        assert file.metadata() == {"about": "a test"}


def test_flow_of_a_large_picture_is_estimated_at_most_twice_for_hidden_frames(nothing_fits, monkeypatch):
    # As in a large picture, whose flow is kept on the smaller grid of the maps.
    monkeypatch.setattr(sampling, "_MOST_PIXELS", 48 * 64 / 4)
    monkeypatch.setattr(on_demand, "KEPT_BYTES", 20 * (24 * 32 * 2 * 4))
    video = video_of([to_8bit(waves(48, 64, 0.8 * k, 0.3 * k)) for k in range(41)])
    asked = []

    class Counted:
        name, estimate = "counted", Dis()

        def __call__(self, first, second):
            asked.append(1)
            return self.estimate(first, second)

    LeaveOut(hidden=40).on(Observed(video, estimate_flow(video, Counted())), torch.device("cpu"))
    # Forward and backward: the first interval at once, and the 20 of 40 that a fit looks at; perhaps also
    # the one after each of their two stretches, estimated ahead.
    assert 2 * (1 + 20) <= len(asked) <= 2 * (1 + 2 * (20 + 2))


# Fits and doubles the rate of a video, as the command does, and tells the most memory it had, in bytes.
_RUN = """
import json, resource, sys
from tweenfield import *
from tweenfield.storage import on_demand
on_demand.KEPT_BYTES = 4 << 20
video = read_video(sys.argv[1])
result = fit(video, estimate_flow(video, Farneback()), replace(draft(), steps=2, hidden=2), device="cpu")
times = [k / 2 for k in range(2 * len(video) - 1)]
save(result, sys.argv[1] + ".tween")
write_video(sys.argv[1] + ".out.mp4", render(result.field, times), rate=50)
write_video(sys.argv[1] + ".again.mp4", render(load(sys.argv[1] + ".tween").field, times[1::8]), rate=50)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit))
"""


def test_memory_does_not_grow_with_the_length_of_the_clip(tmp_path):
    height, width, running = 144, 192, {}
    # With one thread each, as how much memory the heaps of several hold is a matter of chance.
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    for count in (60, 120):
        frames = (to_8bit(waves(height, width, 0.8 * k, 0.3 * k)) for k in range(count))
        path = tmp_path / f"{count}.mp4"
        write_video(path, frames, rate=25)
        running[count] = subprocess.Popen(
            [sys.executable, "-c", _RUN, str(path)], stdout=subprocess.PIPE, text=True, env=alone
        )
    peaks = {count: json.loads(process.communicate()[0]) for count, process in running.items()}
    # Frames take 3 bytes of each pixel, flow 16 and 8 in a model file.
    all_at_once = (120 - 60) * height * width * (3 + 16)
    assert peaks[120] - peaks[60] < all_at_once / 4

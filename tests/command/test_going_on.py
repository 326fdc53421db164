"""A run that was stopped, by whatever, goes on where it was and ends with the same bytes."""

import errno
import json
import os
import signal
import subprocess
import time
from fractions import Fraction

import numpy as np
import pytest
from command.running import command, fails, tweenfield
from conftest import to_8bit, waves
from fitting.fits import interrupt_after
from video.clicks import clicking

from tweenfield import ColorTags, Look, OutputError, read_video, write_video
from tweenfield.command import actions
from tweenfield.drawing import expectation
from tweenfield.storage.unfinished import place_of, unfinished
from tweenfield.video import pieces

SHORT = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--steps", "20"]
SHORT += ["--device", "cpu"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Five frames of 24x36."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    write_video(path, [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(5)], rate=30)
    return path


def content(path):
    """All bytes of a file, or of each file of a folder."""
    if path.is_dir():
        return {p.name: p.read_bytes() for p in sorted(path.iterdir())}
    return path.read_bytes()


class Stop:
    """Ctrl-C once so many frames were drawn."""

    def __init__(self, monkeypatch, frames):
        drawer = actions.drawer

        def stopping(*arguments, **options):
            drawn = drawer(*arguments, **options)

            def until(begin, end):
                for k, frame in enumerate(drawn(begin, end), start=begin):
                    if k == frames:
                        raise KeyboardInterrupt
                    yield frame

            return until

        monkeypatch.setattr(actions, "drawer", stopping)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("o.mp4", None),
        ("o.mkv", None),
        ("o.mov", None),
        ("o.webm", None),
        ("o", None),
        ("o.mp4", "hevc"),
        ("o.webm", "av1"),
        ("o.mov", "prores"),
        ("o.mkv", "ffv1"),
    ],
)
def test_a_stopped_run_ends_with_the_same_bytes(clip, tmp_path, monkeypatch, name, codec):
    monkeypatch.setattr(pieces, "_MOST", 4)
    line = ["run", clip, *SHORT, "--slow", "3x", *(["--codec", codec] if codec else [])]
    assert tweenfield(*line, "-o", tmp_path / name).returncode == 0
    whole = content(tmp_path / name)
    frames = read_video(tmp_path / name).frames[:]
    (tmp_path / "again").mkdir()
    target = tmp_path / "again" / name
    with monkeypatch.context() as patch:
        Stop(patch, 10)
        fails(tweenfield(*line, "-o", target), 1, "was not written, and the same command goes on from here")
    parts = {p.name for p in place_of(target).iterdir()}
    assert parts == {"key", "lock", "fit.tween", "000000000", "000000004"} and not target.exists()
    with monkeypatch.context() as patch:
        patch.setattr("tweenfield.fitting.loop.fit", None)  # the fit is there, and so are two pieces
        ended = tweenfield(*line, "-o", target)
    assert ended.returncode == 0, ended.stderr
    assert f"{target}: going on where the last run stopped" in ended.stderr
    np.testing.assert_array_equal(read_video(target).frames[:], frames)
    assert content(target) == whole
    assert [p.name for p in target.parent.iterdir()] == [name]
    assert len(read_video(target)) == 15


def test_a_fit_that_was_stopped_goes_on(clip, tmp_path, monkeypatch):
    line, target = ["run", clip, "-o", tmp_path / "o", *SHORT], tmp_path / "o"
    with monkeypatch.context() as patch:
        patch.setattr(actions, "fit_progress", lambda on_stage: interrupt_after(10))
        fails(
            tweenfield(*line), 1, f"stopped by Ctrl-C; {target} was not written, and the same command goes on"
        )
    assert not target.exists()
    assert tweenfield(*line).returncode == 0
    again = tmp_path / "again"
    assert tweenfield("run", clip, "-o", again, *SHORT).returncode == 0
    assert content(target) == content(again)
    assert {p.name for p in tmp_path.iterdir()} == {"o", "again"}


def test_what_to_expect_of_frames_that_are_done_is_kept(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_MOST", 4)
    line = [
        "run",
        clip,
        "--preset",
        "draft",
        "--steps",
        "5",
        "--device",
        "cpu",
        "--slow",
        "3x",
        "--json",
        "-",
    ]
    whole = tweenfield(*line, "-o", tmp_path / "whole")
    with monkeypatch.context() as patch:
        Stop(patch, 10)
        fails(tweenfield(*line, "-o", tmp_path / "o"), 1, "goes on from here")
    kept = place_of(tmp_path / "o") / "expected.jsonl"
    kept.write_text(kept.read_text() + '{"index": 10, "t"')  # the line that a kill has cut short
    asked, expect = [], expectation.expect
    monkeypatch.setattr(expectation, "expect", lambda *given: asked.append(given[2]) or expect(*given))
    ended = tweenfield(*line, "-o", tmp_path / "o")
    assert ended.returncode == 0, ended.stderr
    # Two pieces of four frames are whole.
    assert asked == list(range(8, 15))
    assert json.loads(ended.stdout)["expected"] == json.loads(whole.stdout)["expected"]


def test_other_settings_begin_anew(clip, tmp_path, monkeypatch):
    target = tmp_path / "o.mp4"
    with monkeypatch.context() as patch:
        Stop(patch, 3)
        assert tweenfield("run", clip, "-o", target, *SHORT).returncode == 1
    ended = tweenfield("run", clip, "-o", target, *SHORT, "--seed", "1")
    assert ended.returncode == 0 and "of other settings, and is dropped" in ended.stderr
    assert len(read_video(target)) == 10


def test_one_target_is_made_by_one_run(clip, tmp_path):
    target = tmp_path / "o.mp4"
    with unfinished(target, "key"):
        fails(tweenfield("run", clip, "-o", target, *SHORT), 1, "another run is making this")
    assert tweenfield("run", clip, "-o", target, *SHORT).returncode == 0


def test_a_kill_leaves_what_the_next_run_ends_with_the_same_bytes(tmp_path):
    """SIGKILL while frames are drawn; sound is there, too."""
    source, target = clicking(tmp_path / "clip.mkv"), tmp_path / "o.mp4"
    line = ["run", source, *SHORT, "--slow", "40x"]
    running = subprocess.Popen(command(*line, "-o", target), stderr=subprocess.PIPE)
    place, deadline = place_of(target), time.monotonic() + 60
    while not (place / "000000000").exists() and time.monotonic() < deadline:
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert not target.exists() and (place / "fit.tween").exists()
    for name in (target, tmp_path / "whole.mp4"):
        subprocess.run(command(*line, "-o", name), check=True, capture_output=True)
    assert content(target) == content(tmp_path / "whole.mp4")
    assert {p.name for p in tmp_path.iterdir()} == {"clip.mkv", "o.mp4", "whole.mp4"}


def test_pieces_are_no_larger_than_the_result(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_MOST", 16)
    rng, target = np.random.default_rng(0), tmp_path / "o.mp4"
    frames = rng.integers(0, 255, (64, 32, 32, 3), np.uint8)
    look = Look(rate=Fraction(30), color=ColorTags(), sample_aspect_ratio=Fraction(1))
    folder = tmp_path / "parts"
    folder.mkdir()
    pieces.write_in_pieces(target, lambda a, b: iter(frames[a:b]), 64, (32, 32), look, folder)
    assert len(list(folder.iterdir())) == 4
    assert pieces.written_in_pieces(folder) < 1.05 * target.stat().st_size


def test_a_disk_that_is_full_in_the_middle_keeps_what_is_done(clip, tmp_path, monkeypatch):
    line, target = ["run", clip, "-o", tmp_path / "o.mp4", *SHORT, "--slow", "3x"], tmp_path / "o.mp4"
    monkeypatch.setattr(pieces, "_MOST", 4)
    write = pieces._write_piece

    def full(*arguments):
        if arguments[-1] == 8:
            raise OutputError("no room") from OSError(errno.ENOSPC, "No space left on device")
        write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(pieces, "_write_piece", full)
        fails(tweenfield(*line), 1, f"{target} can't be written: the disk is full; free", "goes on from here")
    assert {p.name for p in place_of(target).iterdir()} >= {"000000000", "000000004"}
    assert tweenfield(*line).returncode == 0 and len(read_video(target)) == 15

"""What is sent to other machines and what becomes of what they send, without Ray."""

import os
import shutil
import subprocess
import sys
import types

import pytest
from command.running import fails, tweenfield
from conftest import DEMO, to_8bit, waves

from tweenfield import write_video
from tweenfield.command.cluster import spread, tasks
from tweenfield.errors import TweenfieldError
from tweenfield.storage.unfinished import place_of, unfinished
from tweenfield.video import pieces

LINE = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--steps", "3"]
LINE += ["--device", "cpu", "--slow", "3x"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Five frames of 24x36."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    write_video(path, [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(5)], rate=30)
    return path


class Backwards:
    """A cluster that gives the last result first; the items of ``lost`` fail."""

    gpus = False

    def __init__(self, lost=()):
        self.lost = lost

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run(self, work, items, need):
        for number in reversed(range(len(items))):
            assert need(items[number]).memory > 1 << 30
            try:
                yield number, tasks.Failed(reason="no luck") if number in self.lost else work(items[number])
            except TweenfieldError as error:
                yield number, tasks.Failed(reason=str(error))


@pytest.mark.parametrize("name", ["o.mp4", "o.webm", "o"])
def test_pieces_may_come_in_any_order_and_those_that_failed_later(clip, tmp_path, monkeypatch, name):
    monkeypatch.setattr(pieces, "_MOST", 4)
    (tmp_path / "alone").mkdir()
    alone, target = tmp_path / "alone" / name, tmp_path / name
    assert tweenfield("run", clip, "-o", alone, *LINE).returncode == 0
    monkeypatch.setattr(spread, "joined", lambda ray: Backwards(lost=[1]))
    ended = tweenfield("run", clip, "-o", target, *LINE, "--ray", "local")
    fails(ended, 1, "frames 4 to 7: no luck", "the same command tries these again")
    kept = {p.name for p in place_of(target).iterdir()}
    assert kept == {"key", "lock", "fit.tween", "000000000", "000000008", "000000012"} and not target.exists()
    monkeypatch.setattr(spread, "joined", lambda ray: Backwards())
    assert tweenfield("run", clip, "-o", target, *LINE, "--ray", "local").returncode == 0
    if target.is_dir():
        assert {p.name: p.read_bytes() for p in target.iterdir()} == {
            p.name: p.read_bytes() for p in alone.iterdir()
        }
    else:
        assert target.read_bytes() == alone.read_bytes()
    assert not place_of(target).exists()


def test_what_fails_elsewhere_has_the_names_that_users_gave_and_the_rest_is_made(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(spread, "joined", lambda ray: Backwards())
    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    for name in ("a.mkv", "b.mp4", "c.mkv"):
        shutil.copy(clip, clips / name)
    # A run on one machine that was killed left this, and somebody makes the last one right now.
    place_of(out / "a.mkv").mkdir(parents=True)
    (place_of(out / "a.mkv") / "fit.tween").write_bytes(b"")
    with unfinished(out / "c.mkv", "another"):
        ended = tweenfield("run", clips, "-o", out, *LINE, "--codec", "ffv1", "--ray", "local", "-q")
    assert [line for line in ended.stderr.splitlines() if line] == [
        f"tweenfield: {out}/c.mkv: another run is making this; wait for it, or choose another name",
        f"tweenfield: {out}/b.mp4: this can't hold ffv1; use h264, hevc, av1, vp9, or another kind of file",
        "tweenfield: 2 of 3 inputs failed; see above",
    ]
    assert [p.name for p in out.iterdir()] == ["a.mkv"] and ended.returncode == 1


def test_a_video_gets_to_another_process_as_what_reads_it():
    program = f"""
import pickle
import numpy as np
from numba import cloudpickle
from tweenfield import read_video
video = read_video({str(DEMO)!r}, frames="30:36", size=(60, 90))
wanted = video.frames[:]
sent = cloudpickle.dumps(video)
assert len(sent) < wanted.nbytes / 10, len(sent)
np.testing.assert_array_equal(pickle.loads(sent).frames[:], wanted)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_ray_is_asked_for_where_it_is_missing(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = tweenfield("run", clip, "-o", tmp_path / "o.mp4", *LINE, "--ray", "local")
    fails(ended, 2, "--ray needs the package ray", "pip install 'tweenfield[ray]'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("127.0.0.1:1", 1, "--ray 127.0.0.1:1: nothing answers there"),
        ("auto", 2, "--ray auto is no address; give HOST:PORT"),
        ("host:no", 2, "--ray host:no is no address"),
        ("127.0.0.1:99999", 1, "nothing answers there"),
    ],
)
def test_an_address_that_does_not_answer(clip, tmp_path, monkeypatch, address, status, said):
    monkeypatch.setitem(sys.modules, "ray", types.ModuleType("ray"))
    fails(tweenfield("run", clip, "-o", tmp_path / "o.mp4", *LINE, "--ray", address), status, said)
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_in_one_go_cannot_be_spread(clip, tmp_path):
    ended = tweenfield("run", clip, "-o", tmp_path / "o.gif", *LINE, "--ray", "local")
    fails(ended, 2, "o.gif: this is written in one go, not in pieces; leave out --ray")


def test_a_task_fits_where_all_that_it_needs_is():
    need = tasks.Need(threads=2, gpus=1, memory=100)
    machine = {"CPU": 2.0, "GPU": 1.0, "memory": 100.0}
    assert need.fits(machine)
    assert not any(need.fits({**machine, name: amount - 1}) for name, amount in machine.items())
    assert not need.fits({})


needs_two = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="there is one processor"
)


@needs_two
def test_the_number_of_processors_changes_no_byte():
    program = f"""
import os, sys, hashlib
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])
from pathlib import Path
from tempfile import TemporaryDirectory
from tweenfield import Encoding, read_video, write_video
frames = read_video({str(DEMO)!r}, frames="0:8", size=(120, 180)).frames
with TemporaryDirectory() as folder:
    for codec in ("h264", "hevc", "vp9", "av1"):
        path = Path(folder, "o.mkv")
        write_video(path, frames, rate=30, encoding=Encoding(codec=codec))
        print(codec, hashlib.sha256(path.read_bytes()).hexdigest())
"""
    written = [
        subprocess.run(
            [sys.executable, "-c", program, processors], capture_output=True, check=True, timeout=120
        ).stdout
        for processors in ("1", "2")
    ]
    assert written[0] == written[1] and written[0].count(b"\n") == 4

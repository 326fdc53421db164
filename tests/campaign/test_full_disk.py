"""A disk that is really full: nothing half-written, and the same command goes on once there is room."""

import os
import subprocess

import pytest
from campaign.seeds import TINY, clip_and_model, make_seeds
from kills.killing import command, content

LINES = {
    "run": ["run", "in.mp4", "-o", "disk/out.mkv", *TINY, "--slow", "6x"],
    "fit": ["fit", "in.mp4", "-o", "disk/out.tween", *TINY],
    "render": ["render", "m.tween", "-o", "disk/out"],
    "flow": ["flow", "in.mp4", "-o", "disk/out"],
    "eval": ["eval", "in.mp4", "-o", "disk/out", "--no-baselines", *TINY],
}
# In KiB: a page of memory is the least that a disk in memory has.
ROOM = [4, 8, 16, 64]
CASES = [(name, room) for name in LINES for room in ROOM]
SHORT = [("run", 8)]
long = pytest.mark.skipif("CAMPAIGN" not in os.environ, reason="a part of make campaign")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return make_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def folder(seeds, tmp_path):
    """A clip, a model of it, and a place for a disk, which ``sized`` mounts or changes."""
    folder = tmp_path / "work"
    (folder / "disk").mkdir(parents=True)
    clip_and_model(seeds, folder)
    yield folder
    subprocess.run(["umount", folder / "disk"], check=False, capture_output=True)


def sized(disk, room, *options):
    """A disk of so many KiB."""
    line = ["mount", "-t", "tmpfs", "-o", ",".join([*options, f"size={room}k"]), "tmpfs", disk]
    return subprocess.run(line, check=False, capture_output=True, text=True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can mount a disk")
@pytest.mark.parametrize(
    ("name", "room"), [*SHORT, *(pytest.param(*case, marks=long) for case in CASES if case not in SHORT)]
)
def test_a_full_disk(folder, name, room):
    disk = folder / "disk"
    if (mounted := sized(disk, room)).returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr}")
    ended = command(LINES[name], folder)
    left = {path.name for path in disk.iterdir()}
    assert ended.status or room > ROOM[0]
    if ended.status:
        assert ended.status == 1 and ended.said.count("\n") == 1, ended.said
        assert "the disk is full; free some space" in ended.said
        goes_on = "the same command goes on from here" in ended.said
        assert left == ({".out.mkv.unfinished"} if goes_on else set())
    assert sized(disk, 64 << 10, "remount").returncode == 0
    if ended.status:
        ended = command(LINES[name], folder)
    assert ended.status == 0, ended.said
    made = content(disk)
    subprocess.run(["umount", disk], check=True)
    assert command(LINES[name], folder).status == 0
    assert made == content(disk)

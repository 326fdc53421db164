"""Where a result can't be put is found out before any work, by every command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command.running import fails, tweenfield

from tweenfield.errors import OutputError
from tweenfield.storage.atomic import atomic_output, check_target

takes_no_files = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="needs a folder in which not even root can make a file"
)


@takes_no_files
@pytest.mark.parametrize(
    "line",
    [
        "run missing.mp4 -o /proc/x.mp4",
        "run missing.mp4 -o /proc/x/",
        "run missing.mp4 -o {here}/x.mp4 --json /proc/x.json",
        "fit missing.mp4 -o /proc/x.tween",
        "render missing.tween -o /proc/x.mp4",
        "eval missing.mp4 -o /proc/x",
        "bench fig3 --data missing -o /proc/x",
        "flow missing.mp4 -o /proc/x",
    ],
)
def test_a_folder_that_takes_no_files_is_named_before_the_input_is_looked_at(tmp_path, line):
    result = tweenfield(*line.format(here=tmp_path).split())
    fails(result, 1, "/proc/x", "the folder /proc isn't writable", "choose another folder")


def test_finding_out_leaves_no_trace(tmp_path):
    target = tmp_path / "old.mp4"
    target.write_bytes(b"an older video")
    for name, folder in (("old.mp4", False), ("new.mp4", False), ("new", True)):
        check_target(tmp_path / name, folder=folder)
    assert [p.name for p in tmp_path.iterdir()] == ["old.mp4"] and target.read_bytes() == b"an older video"


def test_a_name_that_is_too_long_is_found_out(tmp_path):
    with pytest.raises(OutputError, match=r"too long.*choose another"):
        check_target(tmp_path / ("x" * 250 + ".mp4"))


def test_the_current_folder_is_no_new_name(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    with pytest.raises(OutputError, match="choose a name in it"):
        check_target(".", folder=True)


def test_what_a_killed_process_left_is_removed_and_what_a_running_one_makes_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    target = tmp_path / "out.mp4"
    with atomic_output(target) as temporary:
        ours = temporary.name
        temporary.touch()
    left = tmp_path / ours.replace(f"-{os.getpid()}", f"-{dead.pid}")
    running = tmp_path / ours.replace(f"-{os.getpid()}", f"-{os.getppid()}")
    elsewhere = tmp_path / f".out.mp4.partial-00000000-{dead.pid}.mp4"
    other = tmp_path / f".other.mp4.partial-{dead.pid}.mp4"
    for path in (left, running, elsewhere, other):
        path.write_text("half")
    with atomic_output(target) as temporary:
        assert not left.exists()
        temporary.write_text("whole")
    assert {p.name for p in tmp_path.iterdir()} == {"out.mp4", running.name, elsewhere.name, other.name}

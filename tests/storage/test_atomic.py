"""Where a result can't be put is found out before any work, by every command."""

from pathlib import Path

import pytest
from command.running import fails, tweenfield

from tweenfield.errors import OutputError
from tweenfield.storage.atomic import check_target

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

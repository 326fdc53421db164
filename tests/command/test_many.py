"""Many inputs, pipes, and what is said of them."""

import json
import os
import subprocess

import numpy as np
import pytest
from command.running import command, fails, tweenfield
from conftest import to_8bit, waves

from tweenfield import read_video, write_video
from tweenfield.command.batch import Job, run_all
from tweenfield.errors import Stopped

SHORT = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--steps", "4"]
SHORT += ["--device", "cpu"]


def clip(path, count=4):
    write_video(path, [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(count)], rate=30)
    return path


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    clip(folder / "a.mp4")
    clip(folder / "b.mkv")
    (folder / "broken.mp4").write_bytes(b"no video at all")
    (folder / "notes.txt").write_text("nothing to see")
    return folder


@pytest.mark.parametrize("form", ["folder", "pattern", "names"])
def test_what_fails_is_named_and_the_rest_is_made(clips, tmp_path, form):
    given = {
        "folder": [clips],
        "pattern": [clips / "*.m*"],
        "names": [clips / "a.mp4", clips / "broken.mp4", clips / "b.mkv"],
    }[form]
    out = tmp_path / "out"
    ended = tweenfield("run", *given, "-o", f"{out}/", *SHORT)
    assert ended.returncode == 1
    assert f"{clips / 'broken.mp4'}: this isn't a video" in ended.stderr
    assert "tweenfield: 1 of 3 inputs failed" in ended.stderr and "Traceback" not in ended.stderr
    assert {p.name for p in out.iterdir()} == {"a.mp4", "b.mkv"}
    assert len(read_video(out / "a.mp4")) == 8
    states = [line.split("│")[1:4] for line in ended.stdout.splitlines() if "│" in line]
    assert sorted([cell.strip() for cell in row] for row in states) == [
        ["a.mp4", "a.mp4", "written"],
        ["b.mkv", "b.mkv", "written"],
        ["broken.mp4", "broken.mp4", "failed"],
    ]


def test_names_in_the_table_are_neither_markup_nor_lines(clips, tmp_path):
    for old, new in (("a.mp4", "[red]*.mp4"), ("b.mkv", "2\n[bold].mkv")):
        (clips / old).rename(clips / new)
    (clips / "broken.mp4").unlink()
    ended = tweenfield("run", clips, "-o", tmp_path / "out", *SHORT)
    assert ended.returncode == 0 and "[red]*.mp4" in ended.stdout
    assert "2\\n[bold].mkv" in ended.stdout


def test_what_is_there_already_is_not_made_again(clips, tmp_path):
    (clips / "broken.mp4").unlink()
    out = tmp_path / "out"
    assert tweenfield("run", clips, "-o", out, *SHORT).returncode == 0
    before = {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
    clip(clips / "c.webm")
    again = tweenfield("run", clips, "-o", out, *SHORT, "--json", "-")
    states = {r["output"].rsplit("/", 1)[-1]: r["state"] for r in json.loads(again.stdout)["results"]}
    assert states == {"a.mp4": "there already", "b.mkv": "there already", "c.webm": "written"}
    assert {p.name: p.stat().st_mtime_ns for p in out.iterdir() if p.name in before} == before


def test_the_table_tells_what_to_expect_of_each_result(clips, tmp_path):
    (clips / "b.mkv").unlink()
    quick = ("--preset", "draft", "--steps", "4", "--device", "cpu")
    ended = tweenfield("run", clips, "-o", tmp_path / "out", *quick)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ended.stdout.splitlines()]
    told = {row[0]: row[-1] for row in rows if row}
    alone = tweenfield("run", clips / "a.mp4", "-o", tmp_path / "alone.mp4", *quick, "--json", "-")
    assert told == {"a.mp4": f"{json.loads(alone.stdout)['expected']['psnr']:.1f}", "broken.mp4": ""}


def test_two_results_of_one_name_are_refused(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        clip(tmp_path / folder / "a.mp4")
    line = ("run", tmp_path / "one/a.mp4", tmp_path / "two/a.mp4", "-o", tmp_path / "out", *SHORT)
    fails(tweenfield(*line), 2, "would both become", "rename one of them")
    assert not (tmp_path / "out").exists()


def piped(*arguments, stdin=b"", stdout=subprocess.PIPE):
    return subprocess.run(
        command(*arguments), input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=120, check=False
    )


def test_a_video_goes_through_a_pipe(tmp_path):
    source = clip(tmp_path / "a.mkv")
    matroska = piped("run", "-", "-o", "-", *SHORT, "-q", stdin=source.read_bytes())
    assert matroska.returncode == 0, matroska.stderr
    assert matroska.stderr == b""
    (tmp_path / "out.mkv").write_bytes(matroska.stdout)
    assert len(read_video(tmp_path / "out.mkv")) == 8
    raw = piped("run", source, "-o", "-.y4m", *SHORT, "-q")
    assert raw.returncode == 0, raw.stderr
    assert raw.stdout.startswith(b"YUV4MPEG2 W36 H24 F60:1")
    (tmp_path / "out.y4m").write_bytes(raw.stdout)
    video = read_video(tmp_path / "out.y4m")
    assert (len(video), video.rate) == (8, 60)
    close = np.asarray(video.frames, float) - np.asarray(read_video(tmp_path / "out.mkv").frames, float)
    assert np.abs(close).mean() < 4


def test_a_pipe_that_ends_early_is_one_sentence(tmp_path):
    content = clip(tmp_path / "a.mp4", 12).read_bytes()
    for part, said in ((b"", b"stdin: nothing came"), (content[: len(content) // 2], b"stdin: the file is")):
        ended = piped("run", "-", "-o", tmp_path / "o.mp4", *SHORT, stdin=part)
        assert ended.returncode == 1 and b"Traceback" not in ended.stderr
        assert ended.stderr.startswith(b"tweenfield: " + said)
        assert not (tmp_path / "o.mp4").exists()


def test_whoever_stops_reading_ends_the_run_without_a_traceback(tmp_path):
    source = clip(tmp_path / "a.mp4", 12)
    reading, writing = os.pipe()
    running = subprocess.Popen(
        command("run", source, "-o", "-.y4m", *SHORT, "-q", "--slow", "400x"),
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    os.read(reading, 10)
    os.close(reading)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 1 and b"Traceback" not in said, said


def test_only_run_reads_from_a_pipe():
    for line in (["info", "-"], ["fit", "-", "-o", "m.tween"], ["eval", "-"]):
        fails(tweenfield(*line), 1, "-: only run reads a video from stdin; give a file")


def test_a_terminal_is_no_place_for_a_video(tmp_path, monkeypatch):
    source = clip(tmp_path / "a.mp4")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    fails(tweenfield("run", "-", "-o", tmp_path / "o.mp4", *SHORT), 2, "stdin, but that is a terminal")
    fails(tweenfield("run", source, source, "-o", "-", *SHORT), 2, "need a folder")


def test_ctrl_c_tells_how_many_are_there(tmp_path):
    jobs = [Job(tmp_path / f"{k}.mp4", str(tmp_path / "out" / f"{k}.mp4")) for k in range(3)]

    def each(asked):
        (tmp_path / "out" / "0.mp4").touch()
        yield asked[0], {"state": "written"}
        raise KeyboardInterrupt

    with pytest.raises(Stopped, match=r"1 of 3 results are in .*out, and the same command makes the others"):
        run_all(jobs, str(tmp_path / "out"), each)

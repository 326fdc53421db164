"""What is said although -q asks for quiet: what is lost and what is damaged, by names that users know."""

import json
import subprocess

import av
import numpy as np
import pytest
from command.running import command, tweenfield
from conftest import to_8bit, waves
from video.clicks import clicking

from tweenfield import write_video

SHORT = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--steps", "4"]
SHORT += ["--device", "cpu", "-q"]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """H.264 with a key frame every eight frames, whose eleventh packet is overwritten."""
    path = tmp_path_factory.mktemp("damaged") / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "8", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(24):
            picture = to_8bit(waves(48, 64, k, -0.5 * k))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][10]
    data = bytearray(path.read_bytes())
    begin = data.find(bytes(packet)) + packet.size // 4
    data[begin : begin + 40] = bytes(40)
    path.write_bytes(data)
    return path


def quietly(*line):
    result = tweenfield("run", *line, *SHORT)
    assert result.returncode == 0 and result.stdout == ""
    return result.stderr.splitlines()


def test_sound_that_is_left_out_is_said(tmp_path):
    clip = clicking(tmp_path / "clip.mkv")
    said = quietly(clip, "-o", tmp_path / "o.gif", "--frames", "0:5", "--fps", "50")
    assert len(said) == 1 and "o.gif: sound will be left out" in said[0]


def test_transparency_that_is_laid_over_is_said(tmp_path):
    glass = np.full((24, 36, 4), 90, np.uint8)
    write_video(tmp_path / "glass", [glass] * 3, rate=25)
    said = quietly(tmp_path / "glass", "-o", tmp_path / "o.mp4")
    assert len(said) == 1 and "laid over black" in said[0]


def test_bits_that_are_lost_are_said(tmp_path):
    write_video(tmp_path / "deep", [np.full((24, 36, 3), 9000, np.uint16)] * 3, rate=25)
    said = quietly(tmp_path / "deep", "-o", tmp_path / "o.webm", "--codec", "vp9")
    assert len(said) == 1 and "16 bits per component are written with 8" in said[0]


def test_damage_is_said(damaged, tmp_path):
    said = quietly(damaged, "-o", tmp_path / "o.mp4")
    assert len(said) == 1 and f"{damaged}: the picture is damaged between 0." in said[0]


def test_damage_that_comes_through_a_pipe_is_said_of_stdin(damaged, tmp_path):
    ended = subprocess.run(
        command("run", "-", "-o", tmp_path / "o.mp4", *SHORT),
        input=damaged.read_bytes(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stderr.startswith(b"tweenfield: stdin: the picture is damaged between 0.")


def test_among_many_inputs_the_pipe_is_called_stdin(damaged, tmp_path):
    ended = subprocess.run(
        command("run", "-", damaged, "-o", tmp_path / "out", *SHORT, "--json", "-"),
        input=b"no video",
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1 and b"tweenfield-" not in ended.stderr + ended.stdout
    assert ended.stderr.startswith(b"tweenfield: stdin: this isn't a video")
    results = json.loads(ended.stdout)["results"]
    assert [(r["input"], r["state"]) for r in results] == [("stdin", "failed"), (str(damaged), "written")]

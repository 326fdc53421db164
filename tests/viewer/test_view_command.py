"""tweenfield view, as it is typed in."""

import json
import os
import shlex
import signal
import subprocess
from fractions import Fraction
from types import SimpleNamespace

import httpx
import pytest
from command.running import command, fails, tweenfield
from viewer.looking import clip, still, tiny

from tweenfield import fit, save, write_video
from tweenfield.command.options import Settings
from tweenfield.command.view import _flags
from tweenfield.viewer import opening
from tweenfield.viewer.shell import Shell


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    video = clip()
    path = tmp_path_factory.mktemp("models") / "waves.tween"
    save(fit(video, still(video), tiny(), device="cpu"), path)
    return path


def test_it_prints_its_address_serves_it_and_ends_with_ctrl_c(model):
    started = subprocess.Popen(
        command("view", model, "--no-browser", "--json", "-"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "BROWSER": "false"},
    )  # fmt: skip
    try:
        lines = [started.stdout.readline() for _ in range(3)]
        address = json.loads("".join(lines))["address"]
        with httpx.Client() as client:
            assert "<title>tweenfield viewer" in client.get(address).text
            assert client.get(httpx.URL(address).join("/about")).json()["frames"] == 5
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=20)
    finally:
        started.kill()
    assert started.returncode == 0 and not out
    assert err == "tweenfield: Ctrl-C ends the viewer\n"


def test_a_wrong_file_is_a_sentence(tmp_path, model):
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    fails(tweenfield("view", text), 1, "text.mp4")
    fails(tweenfield("view", tmp_path / "none.mp4"), 1, "none.mp4")
    fails(tweenfield("view", tmp_path / "none.tween"), 1, "there is no such file")
    broken = tmp_path / "broken.tween"
    broken.write_bytes(model.read_bytes()[:200])
    fails(tweenfield("view", broken), 1, "broken.tween")
    fails(tweenfield("view", model, broken), 1, "broken.tween")


def test_flags_that_would_do_nothing_are_refused(model, tmp_path):
    fails(tweenfield("view", model, "--time-step", "0.1"), 2, "leave out --time-step")
    fails(tweenfield("view", model, "--frames", "0:3"), 2, "add --video")
    fails(tweenfield("view", tmp_path / "a.mp4", "--video", tmp_path / "a.mp4"), 2, "--video serves a model")
    twin = tmp_path / model.name
    twin.write_bytes(model.read_bytes())
    fails(tweenfield("view", model, model, twin), 2, "same name")


def test_models_of_other_frames_are_refused(model, tmp_path):
    short = clip(frames=3)
    save(fit(short, still(short), tiny(2), device="cpu"), tmp_path / "short.tween")
    fails(tweenfield("view", model, tmp_path / "short.tween"), 2, "short.tween was fitted to 3 frames")
    write_video(tmp_path / "other", clip().frames[::-1], rate=Fraction(25))
    fails(tweenfield("view", model, "--video", tmp_path / "other"), 2, "not the frames")


def test_without_the_extra_it_says_what_to_install(model, monkeypatch):
    monkeypatch.setattr(opening, "find_spec", lambda name: None if name == "fastapi" else SimpleNamespace())
    fails(tweenfield("view", model), 1, "needs fastapi", "pip install 'tweenfield[view]'")


def test_the_command_renders_what_is_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "it's a clip", clip(frames=9).frames, rate=Fraction(25))
    flags = _flags(Settings(field="siren", preset="draft", steps=2, lambda_=0.1))
    assert flags == ("--field", "siren", "--preset", "draft", "--lambda", "0.1", "--steps", "2")
    shell = Shell(source="it's a clip", flags=(*flags, "-q"), frames=(1, 2))
    line = shell.command(speed=0.25, part=(0.5, 1.75))
    assert line == (
        "tweenfield run 'it'\"'\"'s a clip' -o 'it'\"'\"'s a clip-slow.mp4' --slow 4x --field siren "
        "--preset draft --lambda 0.1 --steps 2 -q --frames 1:6:2"
    )
    assert tweenfield(*shlex.split(line)[1:]).returncode == 0
    assert (tmp_path / "it's a clip-slow.mp4").exists()
    assert "--speed 0:2x" in shell.command(speed=2, part=None)
    assert "--frames" not in Shell(source="a.mp4", frames=None).command(speed=1, part=(1, 2))
    assert Shell(source="m.tween").command(speed=2, part=(1, 2)) == (
        "tweenfield render m.tween -o m-smooth.mp4 --fps 2x"
    )

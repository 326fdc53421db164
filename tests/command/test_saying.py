"""What the command says on the way and at the end, and what it says when it is stopped."""

import json
import re
from fractions import Fraction

import pytest
from command.running import fails, tweenfield
from conftest import to_8bit, waves
from fitting.fits import interrupt_after

from tweenfield import load, write_video
from tweenfield.command import actions, console

TINY = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--device", "cpu"]
SHORT = [*TINY, "--steps", "20"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Five frames of 24x36."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    write_video(path, [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(5)], rate=Fraction(30))
    return path


def test_verbose_names_every_setting(clip, tmp_path):
    said = tweenfield("run", clip, "-o", tmp_path / "o", *SHORT, "-v").stderr
    assert "Video('clip.mkv', 5 frames of 24x36, 30 fps)" in said
    assert "SirenConfig(width=16, depth=2," in said and "FlowConstraint(" in said and "steps=20" in said
    assert "Recipe(" not in said  # it has no teacher


def test_a_terminal_shows_bars_that_end_full(clip, tmp_path, monkeypatch):
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": "120", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    result = tweenfield("run", clip, "-o", tmp_path / "o", *SHORT)
    last = {}
    for line in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", result.stderr).replace("\r", "\n").splitlines():
        if found := re.match(r"(\w+) +\S+.* (\d+)/(\d+) ", line):
            last[found[1]] = found[2], found[3]
    ends = {"read": "5", "compare": "4", "flow": "4", "fit": "20", "render": "10"}
    assert last == {stage: (count, count) for stage, count in ends.items()}
    assert " dB" in result.stderr and "/s" in result.stderr


def test_a_long_job_is_announced_from_its_first_frames(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(console, "_FORECAST_AFTER", 0)
    monkeypatch.setattr(console, "_LONG", 0)
    monkeypatch.setattr(actions, "size_to_expect", lambda written, done, count: "about 7 MB")
    said = tweenfield("run", clip, "-o", tmp_path / "o", *SHORT).stderr
    found = re.findall(
        r"10 frames at \S+ a second will take \d+ more seconds; the result will have (.*)", said
    )
    assert found == ["about 7 MB"]


def test_the_size_to_expect_grows_with_what_is_written():
    held = actions._HELD_BACK
    assert actions.size_to_expect(2_000_000, held + 100, 1000) == "about 20 MB"
    assert actions.size_to_expect(2_000_000, held, 1000) == ""  # the encoder may hold all of them


def test_fit_prints_what_the_model_holds(clip, tmp_path):
    values = json.loads(tweenfield("fit", clip, "-o", tmp_path / "m.tween", *SHORT, "--json", "-").stdout)
    info = json.loads(tweenfield("info", tmp_path / "m.tween", "--json", "-").stdout)
    assert values == {"written": str(tmp_path / "m.tween"), **info}


def test_eval_says_where_its_pictures_are(clip, tmp_path):
    said = tweenfield("eval", clip, "-o", tmp_path / "report", *SHORT).stdout
    assert str(tmp_path / "report") in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt, "stopped by Ctrl-C; the output was not written"),
        (MemoryError, "not enough memory; choose a smaller --size or fewer --frames"),
    ],
)
def test_what_ends_the_work_is_one_sentence(clip, tmp_path, monkeypatch, error, said):
    def ended(*arguments):
        raise error

    monkeypatch.setattr(actions, "read_whole", ended)
    fails(tweenfield("run", clip, "-o", tmp_path / "o", *SHORT), 1, said)


def test_a_name_with_control_characters_is_one_line_and_moves_no_cursor(tmp_path):
    fails(
        tweenfield("info", tmp_path / "a\n\x1b[2Jb\r\udcff.mp4"),
        1,
        "a\\n\\x1b[2Jb\\r\\udcff.mp4: no such file",
    )


def test_a_name_that_is_too_long_for_any_file_is_one_sentence(clip, tmp_path):
    name = 300 * "a"
    said = "a: no file can have so long a name"
    fails(tweenfield("info", tmp_path / name), 1, said)
    fails(
        tweenfield("run", clip, "-o", tmp_path / f"{name}.mp4", *SHORT),
        1,
        ".mp4: no file can have so long a name",
    )
    fails(tweenfield("flow", clip, "-o", tmp_path / "o", "--flow", name), 1, said)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_arguments_are_read_is_one_sentence(clip, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tweenfield.command.app._Commands.parse_args", interrupted)
    fails(tweenfield("info", clip), 1, "stopped by Ctrl-C")


def test_ctrl_c_in_a_fit_keeps_it_and_resume_ends_it(clip, tmp_path, monkeypatch):
    target, checkpoint = tmp_path / "m.tween", tmp_path / "m.checkpoint.tween"
    with monkeypatch.context() as patch:
        patch.setattr(actions, "fit_progress", lambda on_stage: interrupt_after(10))
        fails(tweenfield("fit", clip, "-o", target, *SHORT), 1, "stopped by Ctrl-C at step 11 of 20")
    assert load(checkpoint).step == 11 and not target.exists()
    assert tweenfield("fit", clip, "-o", target, *SHORT, "--resume").returncode == 0
    assert load(target).finished and not checkpoint.exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run {clip} -o o --field sirene", "no field 'sirene'; use transport, patches, siren"),
        ("eval {clip} --protocol psnr", "no protocol 'psnr'; use tweenfield, rife"),
        ("bench fig9 -o o", "no experiment 'fig9'; use table1, fig3"),
        ("run {clip} -o o --preset best", "no preset 'best'; use draft, standard"),
        ("run {clip} -o o --flow dis:fast", "dis takes no such arguments"),
    ],
)
def test_a_name_in_no_table_is_refused_with_those_that_are(clip, tmp_path, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    fails(tweenfield(*line.format(clip=clip).split()), 2, said)
    assert list(tmp_path.iterdir()) == []

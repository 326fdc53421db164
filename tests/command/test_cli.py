"""The command as a stranger meets it: a process with arguments, files, a terminal's signals."""

import json
import signal
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from command.running import burning, fails, interrupted, tweenfield, with_little_disk
from conftest import to_8bit, waves
from video.clips import encode, texture

from tweenfield import load, read_video, write_video

SIREN = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--device", "cpu"]
TINY = [*SIREN, "--steps", "20"]
# Long enough to be interrupted; never run to its end.
ENDLESS = [*SIREN, "--steps", "1000000"]
needs_proc = pytest.mark.skipif(
    not Path("/proc").exists(), reason="needs /proc to see when the fit has begun"
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Seven frames of 24x36 at 30 fps."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames = [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(7)]
    write_video(path, frames, rate=Fraction(30))
    return path


@pytest.fixture(scope="module")
def model(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.tween"
    result = tweenfield("fit", clip, "-o", path, *TINY)
    assert result.returncode == 0, result.stderr
    return path


@pytest.mark.parametrize(
    ("flags", "frames", "rate"),
    [
        ([], 14, Fraction(60)),
        (["--end", "stop"], 13, Fraction(60)),
        (["--fps", "60000/1001", "--end", "stop"], 12, Fraction(60000, 1001)),
        (["--slow", "4x"], 28, Fraction(30)),
        (["--slow", "2x", "--fps", "60"], 28, Fraction(60)),
        (["--fps", "24"], 6, Fraction(24)),
        (["--from", "0.1", "--to", "0.2"], 6, Fraction(60)),
    ],
)
def test_run_draws_the_asked_frames_at_the_asked_rate(clip, tmp_path, flags, frames, rate):
    result = tweenfield("run", clip, "-o", tmp_path / "out.mp4", *TINY, *flags)
    assert result.returncode == 0, result.stderr
    video = read_video(tmp_path / "out.mp4")
    assert (len(video), video.rate, video.size) == (frames, rate, (24, 36))


def test_run_writes_json_to_stdout_and_progress_nowhere_when_quiet(clip, tmp_path):
    result = tweenfield("run", clip, "-o", tmp_path / "pngs", *TINY, "--frames", "0:5:2", "--json", "-", "-q")
    written = {"written": str(tmp_path / "pngs"), "frames": 6, "rate": "30", "expected": None}
    assert json.loads(result.stdout) == written
    assert result.stderr == "" and len(list((tmp_path / "pngs").glob("*.png"))) == 6


def test_original_keyframes_come_through(clip, tmp_path):
    result = tweenfield("run", clip, "-o", tmp_path / "kept", *TINY, "--keyframes", "original")
    assert result.returncode == 0, result.stderr
    kept, source = read_video(tmp_path / "kept"), read_video(clip)
    np.testing.assert_array_equal(kept.frames[::2], source.frames)


def test_a_model_is_drawn_at_another_size_with_its_original_frames_or_its_own(clip, model, tmp_path):
    drawn = tweenfield("render", model, "-o", tmp_path / "large.mkv", "--size", "48x72", "--slow", "3x")
    assert drawn.returncode == 0, drawn.stderr
    video = read_video(tmp_path / "large.mkv")
    assert (len(video), video.size, video.rate) == (21, (48, 72), 30)
    kept = tweenfield("render", model, "-o", tmp_path / "k", "--keyframes", "original", "--video", clip)
    assert kept.returncode == 0, kept.stderr
    np.testing.assert_array_equal(read_video(tmp_path / "k").frames[::2], read_video(clip).frames)


def test_eval_prints_one_json_object_and_leaves_things_to_look_at(clip, tmp_path):
    result = tweenfield("eval", clip, *TINY, "--json", "-", "-o", tmp_path / "eval")
    values = json.loads(result.stdout)
    assert (values["observed"], values["held_out"], values["preset"]) == (4, 3, "draft")
    names = {path.name for path in (tmp_path / "eval").iterdir()}
    assert names == {
        "drawn.mp4",
        "comparison.png",
        "plots.png",
        "result.json",
        "model.tween",
        "frames.mkv",
        "report.html",
    }
    assert json.loads((tmp_path / "eval" / "result.json").read_text()) == values
    drawn = read_video(tmp_path / "eval" / "drawn.mp4")
    assert (len(drawn), drawn.rate) == (7, 30)


def test_eval_names_the_protocol_it_measures_by(clip, tmp_path):
    line = ("eval", clip, *TINY, "--no-baselines", "--protocol", "nsff", "--json")
    named = tweenfield(*line, tmp_path / "nsff.json")
    assert "protocol nsff" in named.stdout
    nsff = json.loads((tmp_path / "nsff.json").read_text())
    other = json.loads(tweenfield(*line[:-3], "--json", "-").stdout)
    assert (nsff["protocol"], other["protocol"]) == ("nsff", "tweenfield")
    assert nsff["ssim_held_out"] > other["ssim_held_out"]


def test_eval_compares_with_programs_and_folders_on_the_same_frames(clip, tmp_path):
    script = (
        "import cv2, sys; a, b = map(cv2.imread, sys.argv[1:3]); cv2.imwrite(sys.argv[3], a // 2 + b // 2)"
    )
    tool = f"tool={sys.executable} -c '{script}' {{a}} {{b}} {{out}}"
    write_video(f"{tmp_path}/truth/", read_video(clip).frames[1::2], rate=Fraction(15))
    line = ["eval", clip, *TINY, "--json", "-", "--baseline", "blend", "--baseline", tool]
    result = tweenfield(*line, "--baseline", f"mine={tmp_path / 'truth'}")
    found = json.loads(result.stdout)["baselines"]
    assert list(found) == ["blend", "tool", "mine"]
    assert found["mine"]["psnr_held_out"] == 100
    # It cross-fades too, but rounds down twice.
    assert 0 < found["blend"]["psnr_held_out"] - found["tool"]["psnr_held_out"] < 1


def test_eval_says_which_program_failed(clip):
    tool = f"broken={sys.executable} -c 'exit(3)' {{a}} {{b}} {{out}}"
    fails(tweenfield("eval", clip, *TINY, "-q", "--baseline", tool), 1, "status 3")


def test_transport_is_the_default_and_draws_observed_frames_exactly(clip, tmp_path):
    result = tweenfield("run", clip, "-o", tmp_path / "pngs", "--steps", "5", "--json", "-")
    assert json.loads(result.stdout)["frames"] == 14
    np.testing.assert_array_equal(read_video(tmp_path / "pngs").frames[::2], read_video(clip).frames)
    values = json.loads(tweenfield("eval", clip, "--steps", "5", "--json", "-").stdout)
    assert values["field"] == "transport" and values["psnr_observed"] == 100


def test_a_transport_model_is_drawn_again_from_its_file(clip, tmp_path):
    fitted = tweenfield("fit", clip, "-o", tmp_path / "m.tween", "--preset", "draft", "--steps", "5")
    assert fitted.returncode == 0, fitted.stderr
    drawn = tweenfield("render", tmp_path / "m.tween", "-o", tmp_path / "pngs", "--slow", "3x")
    assert drawn.returncode == 0, drawn.stderr
    np.testing.assert_array_equal(read_video(tmp_path / "pngs").frames[::3], read_video(clip).frames)


def test_a_setting_of_another_field_is_refused(clip, tmp_path):
    fails(tweenfield("run", clip, "-o", tmp_path / "o.mp4", "--lambda", "0.1"), 2, "transport", "lambda")
    paper = tweenfield("run", clip, "-o", tmp_path / "o.mp4", "--preset", "paper", "--field", "transport")
    fails(paper, 2, "paper", "transport", "siren")


def test_eval_can_leave_the_baselines_out(clip):
    result = tweenfield("eval", clip, *TINY, "--json", "-", "--no-baselines", "--stride", "3")
    values = json.loads(result.stdout)
    assert values["baselines"] == {} and (values["observed"], values["held_out"]) == (3, 4)


def test_flow_written_is_flow_read(clip, tmp_path):
    assert tweenfield("flow", clip, "-o", tmp_path / "flow").returncode == 0
    given = tweenfield("fit", clip, "-o", tmp_path / "given.tween", *TINY, "--flow", tmp_path / "flow")
    own = tweenfield("fit", clip, "-o", tmp_path / "own.tween", *TINY, "--flow", "dis")
    assert given.returncode == own.returncode == 0
    losses = [load(tmp_path / f"{name}.tween").history[-1].loss for name in ("given", "own")]
    assert losses[0] == losses[1]


def test_info_tells_what_is_in_a_video_and_in_a_model(clip, model):
    video = json.loads(tweenfield("info", clip, "--json", "-").stdout)
    assert (video["codec"], video["frames"], video["rate"], video["size"]) == ("h264", 7, "30", [24, 36])
    content = json.loads(tweenfield("info", model, "--json", "-").stdout)
    assert content["recipe"]["field"]["width"] == 16 and content["step"] == content["steps"] == 20
    assert "7 of 24x36" in tweenfield("info", model).stdout
    told = dict(line.split(None, 1) for line in tweenfield("info", clip).stdout.splitlines())
    assert (told["size"], told["frames"], told["rate"]) == ("24x36 (height x width)", "7", "30 fps")


def test_info_lists_shots_as_frames_takes_them(clip, model, tmp_path):
    shown = [*texture(6, 90, 160), *texture(7, 90, 160)[:, ::-1, ::-1]]
    with_cut = encode(tmp_path / "two.mkv", np.stack(shown), rate=Fraction(25))
    told = tweenfield("info", with_cut, "--shots").stdout
    assert "0:6" in told and "6:13" in told and "0.240 s" in told and "cut" in told
    shots = json.loads(tweenfield("info", with_cut, "--shots", "--json", "-").stdout)["shots"]
    assert [(s["begins"], s["frames"], s["start"], s["end"]) for s in shots] == [
        ("start", [0, 6], "0", "6/25"),
        ("cut", [6, 13], "6/25", "13/25"),
    ]
    assert "shots" not in json.loads(tweenfield("info", clip, "--json", "-").stdout)
    fails(tweenfield("info", model, "--shots"), 2, "model has no shots")


def test_info_speaks_of_a_range_for_yuv_only(clip, tmp_path):
    assert tweenfield("flow", clip, "-o", tmp_path / "pictures", "-q").returncode == 0
    assert "limited range" in tweenfield("info", clip).stdout
    images = tweenfield("info", tmp_path / "pictures").stdout
    assert "RGB" in images and "range" not in images


def test_field_flags_reach_the_recipe(clip, tmp_path):
    flags = ["--lambda", "0.3", "--omega", "20", "--time-step", "0.05", "--seed", "9"]
    assert tweenfield("fit", clip, "-o", tmp_path / "m.tween", *TINY, *flags).returncode == 0
    recipe = load(tmp_path / "m.tween").recipe
    assert (recipe.objective.weight, recipe.field.omega, recipe.field.time_step) == (0.3, 20, 0.05)
    assert (recipe.fit.seed, recipe.fit.steps, recipe.field.width, recipe.field.depth) == (9, 20, 16, 2)


@needs_proc
def test_ctrl_c_while_fitting_leaves_a_usable_checkpoint_that_resumes(clip, tmp_path):
    target, checkpoint = tmp_path / "m.tween", tmp_path / "m.checkpoint.tween"
    target.write_bytes(b"an older model")
    fails(
        interrupted("fit", clip, "-o", target, *ENDLESS, wait_for=burning), 1, "stopped by Ctrl-C", "--resume"
    )
    assert target.read_bytes() == b"an older model"
    assert {p.name for p in tmp_path.iterdir()} == {"m.tween", "m.checkpoint.tween"}
    part = load(checkpoint)
    assert not part.finished and part.step > 10
    assert tweenfield("render", checkpoint, "-o", tmp_path / "part.mp4").returncode == 0
    fails(tweenfield("fit", clip, "-o", target, *ENDLESS), 2, "unfinished fit", "--resume")
    fails(tweenfield("fit", clip, "-o", target, *TINY, "--resume"), 1, "other settings")
    again = interrupted("fit", clip, "-o", target, *ENDLESS, "--resume", wait_for=burning)
    fails(again, 1, "stopped by Ctrl-C")
    assert load(checkpoint).step > part.step


@needs_proc
def test_sigterm_is_taken_for_ctrl_c(clip, tmp_path):
    target, by = tmp_path / "m.tween", signal.SIGTERM
    stopped = interrupted("fit", clip, "-o", target, *ENDLESS, wait_for=burning, by=by)
    fails(stopped, 143, "stopped by SIGTERM", "--resume")
    assert load(tmp_path / "m.checkpoint.tween").step > 10 and not target.exists()
    # A script's shell makes what it starts in the background ignore Ctrl-C.
    deaf = {"preexec_fn": partial(signal.signal, signal.SIGINT, signal.SIG_IGN)}
    stopped = interrupted("run", clip, "-o", tmp_path / "o.mp4", *ENDLESS, wait_for=burning, by=by, **deaf)
    fails(stopped, 143, "stopped by SIGTERM", "the same command goes on from here")


@needs_proc
def test_ctrl_c_elsewhere_leaves_nothing(clip, tmp_path):
    result = interrupted("eval", clip, "-o", tmp_path / "out", *ENDLESS, wait_for=burning)
    fails(result, 1, "stopped by Ctrl-C; the output was not written")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_drawing_leaves_the_older_video(model, tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"an older video")

    def begun(process):
        return any(p.name.startswith(".out") for p in tmp_path.iterdir()) or process.poll() is not None

    result = interrupted("render", model, "-o", target, "--slow", "10000x", wait_for=begun)
    fails(result, 1, "stopped by Ctrl-C")
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"] and target.read_bytes() == b"an older video"


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.gif", "pngs"])
def test_a_full_disk_leaves_nothing_behind(model, tmp_path, name):
    result = with_little_disk("render", model, "-o", tmp_path / name, "--size", "240x360", "--fps", "50")
    fails(result, 1, "can't be written and nothing was left behind")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_older_model(clip, tmp_path):
    target = tmp_path / "m.tween"
    target.write_bytes(b"an older model")
    fails(with_little_disk("fit", clip, "-o", target, *TINY), 1, "can't be written")
    assert target.read_bytes() == b"an older model" and len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def places(clip, model, tmp_path):
    """Names for the table of bad input below."""
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:-300])
    (tmp_path / "cut.tween").write_bytes(model.read_bytes()[:-300])
    (tmp_path / "no-images").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    write_video(tmp_path / "one.mkv", [to_8bit(waves(24, 36))], rate=25)
    write_video(tmp_path / "dot", [to_8bit(waves(1, 1))] * 3, rate=25)
    flows = {
        "nan": np.full((6, 24, 36, 2), np.nan),
        "size": np.zeros((6, 20, 36, 2)),
        "count": np.zeros((4, 24, 36, 2)),
    }
    for name, values in flows.items():
        np.save(tmp_path / f"{name}.npy", values.astype(np.float32))
    return {"clip": str(clip), "model": str(model), "here": str(tmp_path)}


@pytest.mark.parametrize(
    ("line", "status", "parts"),
    [
        ("run {here}/missing.mp4 -o {here}/o.mp4", 1, ["missing.mp4", "no such file"]),
        ("run {here}/empty.mp4 -o {here}/o.mp4", 1, ["empty"]),
        ("run {here}/text.mp4 -o {here}/o.mp4", 1, ["text.mp4"]),
        ("eval {here}/cut.mp4", 1, ["cut.mp4"]),
        ("run {here}/no-images -o {here}/o.mp4", 1, ["no-images"]),
        ("fit {here}/one.mkv -o {here}/o.tween", 1, ["one.mkv", "two frames"]),
        ("run {here}/dot -o {here}/o.mp4 --steps 5", 1, ["1x1"]),
        ("run {clip} -o {here}/o.mp4 --frames 3:99", 1, ["7 frames"]),
        ("run {clip} -o {here}/o.mp4 --frames nonsense", 2, ["nonsense"]),
        ("run {clip} -o {here}/o.mp4 --size 0x5", 2, ["0x5"]),
        ("run {clip} -o {here}/o.mp4 --fps=-3", 2, ["-3"]),
        ("run {clip} -o {here}/o.mp4 --slow fast", 2, ["fast"]),
        ("run {clip} -o {here}/o.doc", 2, [".doc", ".mp4"]),
        ("run {clip} -o {here}/nowhere/o.mp4", 1, ["nowhere", "create it"]),
        ("run {clip} -o {clip}", 2, ["also the input"]),
        ("run {clip} -o {here}/full", 1, ["isn't empty"]),
        ("run {clip} -o {here}/o.gif --fps 60", 2, ["GIF"]),
        ("run {clip} -o {here}/o.mp4 --json {here}/nowhere/r.json", 1, ["nowhere"]),
        ("run {clip} -o {here}/o.mp4 --flow {here}/nan.npy", 1, ["nan.npy", "NaN"]),
        ("run {clip} -o {here}/o.mp4 --flow {here}/size.npy", 1, ["size.npy", "height 20", "height 24"]),
        ("run {clip} -o {here}/o.mp4 --flow {here}/count.npy", 1, ["count.npy", "6"]),
        ("run {clip} -o {here}/o.mp4 --flow raft", 1, ["raft", "dis"]),
        ("run {clip} -o {here}/o.mp4 --field siren --lambda 2", 2, ["lambda"]),
        ("run {clip} -o {here}/o.mp4 --steps 0", 2, ["steps"]),
        ("run {clip} -o {here}/o.mp4 --width 0", 2, ["width"]),
        ("run {clip} -o {here}/o.mp4 --lambda 0.1", 2, ["no setting lambda", "leave it out"]),
        ("fit {clip} -o {here}/o.tween --resume", 2, ["o.checkpoint.tween", "no such file", "--resume"]),
        ("fit {clip} -o {here}/full", 2, [".tween"]),
        ("eval {clip} --stride 1", 2, ["stride"]),
        ("eval {clip} --stride 7", 2, ["at least 8 frames"]),
        ("eval {clip} -o {here}/full", 1, ["isn't empty"]),
        ("eval {clip} --flow {here}/count.npy", 1, ["flow of 4", "3 are", "4 frames of clip.mp4 observed"]),
        ("eval {clip} --flow {here}/size.npy --stride 3", 1, ["flow of 6", "2 are needed", "--stride 3"]),
        ("eval {clip} --baseline warp --no-baselines", 2, ["contradict"]),
        ("render {here}/cut.tween -o {here}/o.mp4", 1, ["cut.tween", "part of one"]),
        ("render {clip} -o {here}/o.mp4", 1, ["not a tweenfield model"]),
        ("render {model} -o {here}/o.mp4 --keyframes original", 2, ["--video"]),
        ("render {model} -o {here}/o.mp4 --frames 0:5", 2, ["--frames", "add --video IN"]),
        ("run {clip} -o {here}/o.mp4 --from 0.2 --to 0.1", 2, ["nothing from 0.2 s to 0.1 s"]),
        ("run {clip} -o {here}/o.mp4 --from 7:00", 1, ["no frame from 420 s on", "the last one is at 0.2 s"]),
        ("run {clip} -o {here}/o.mp4 --from 0 --frames 0:3", 2, ["can't be combined"]),
        ("run {clip} -o {here}/o.mp4 --input-fps 24", 2, ["--input-fps is for a folder"]),
        ("run {clip} -o {here}/o.mp4 --codec prores", 2, ["can't hold prores; use h264, hevc, av1, vp9"]),
        ("run {clip} -o {here}/o.mp4 --codec divx", 2, ["no codec 'divx'; use h264"]),
        ("run {clip} -o {here}/o.mkv --codec ffv1 --crf 3", 2, ["no constant rate factor"]),
        ("run {clip} -o {here}/o.mkv --crf 99", 2, ["from 0 to 51, not 99"]),
        (
            "run {clip} -o {here}/o.mkv --pixel-format rgb565le",
            2,
            ["can't write the pixel format", "yuv420p"],
        ),
        ("run {clip} -o {here}/o.gif --codec h264", 2, ["no choice of codec"]),
        ("run {clip} {clip} -o {here}/o.mp4", 2, ["need a folder"]),
        ("run {clip} -o {here}/o.gif --timing source --fps 50", 2, ["unevenly spaced in time"]),
        (
            "run {clip} -o {here}/o.mp4 --size 99999999x99999999",
            2,
            ["1e+16 pixels; choose a --size of at most"],
        ),
        ("render {model} -o {here}/o.mp4 --size 99999999x99999999", 2, ["1e+16 pixels"]),
        ("run {here}/*.avi -o {here}/o", 2, ["no file has such a name"]),
        (
            "render {model} -o {here}/o.mp4 --keyframes original --video {clip} --frames 0:5",
            2,
            ["not the frames"],
        ),
        ("flow {clip} -o {here}/full", 1, ["isn't empty"]),
        ("info {here}/missing.tween", 1, ["no such file"]),
        ("info {here}/text.mp4", 1, ["text.mp4"]),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(places, line, status, parts):
    here = Path(places["here"])
    before = sorted(here.rglob("*"))
    fails(tweenfield(*line.format(**places).split()), status, *parts)
    assert sorted(here.rglob("*")) == before
    assert (here / "full" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "line",
    ["run", "run {clip}", "run {clip} -o x.mp4 --presto", "no-such-command", "eval {clip} --stride two"],
)
def test_wrong_use_exits_with_2_and_no_traceback(clip, line):
    result = tweenfield(*line.format(clip=clip).split())
    assert result.returncode == 2 and "Traceback" not in result.stderr and not result.stdout

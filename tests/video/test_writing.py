"""Files out: exact rates, whole or not at all."""

import os
import subprocess
import sys
from fractions import Fraction as F
from pathlib import Path

import av
import numpy as np
import pytest
from video.clips import CLIPS, texture

import tweenfield
from tweenfield import Encoding, End
from tweenfield.errors import OutputError, UsageError
from tweenfield.storage.atomic import atomic_output
from tweenfield.video import check_output, describe_video, output_timeline, read_video, write_video


@pytest.mark.parametrize(
    "rate", [F(60000, 1001), F(24000, 1001), F(120000, 1001), F(25), F(75, 2), F(240), F(48123, 1000)]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_every_rate_reads_back_exactly(tmp_path, suffix, rate):
    path = tmp_path / f"a{suffix}"
    assert write_video(path, texture(25, 16, 16), rate=rate) == 25
    video = read_video(path)
    assert (len(video), video.rate) == (25, rate)
    assert video.times == tuple(k / rate for k in range(25))
    assert describe_video(path).rate == rate


def test_mp4_stamps_are_exact_and_its_index_comes_first(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, texture(8), rate=F(60000, 1001))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert [f.pts * stream.time_base for f in container.decode(stream)] == [
            F(1001 * k, 60000) for k in range(8)
        ]
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "h264"), (".MKV", "h264"), (".webm", "vp9"), (".gif", "gif")]
)
def test_the_picture_survives(tmp_path, suffix, codec):
    frames = texture(6)
    path = tmp_path / f"a{suffix}"
    write_video(path, iter(frames), rate=25)
    video = read_video(path)
    error = np.asarray(video.frames).astype(float) - frames
    assert np.abs(error).mean() < (8 if suffix == ".gif" else 4)
    assert np.abs(error.mean((0, 1, 2))).max() < 0.6
    info = describe_video(path)
    assert info.codec == codec


@pytest.mark.parametrize(
    ("suffix", "size"), [(".mp4", (48, 64)), (".mkv", (48, 64)), (".webm", (48, 86)), (".gif", (48, 86))]
)
def test_the_display_aspect_survives(tmp_path, suffix, size):
    path = tmp_path / f"a{suffix}"
    write_video(path, texture(2), rate=25, sample_aspect_ratio=F(4, 3))
    video = read_video(path)
    assert video.size == size
    assert video.sample_aspect_ratio == (F(4, 3) if size == (48, 64) else 1)


def test_gifs_loop_and_keep_time(tmp_path):
    path = tmp_path / "a.gif"
    write_video(path, texture(10), rate=F(30))
    assert b"NETSCAPE2.0\x03\x01\x00\x00\x00" in path.read_bytes()
    with av.open(str(path)) as container:
        assert [f.pts for f in container.decode(video=0)] == [round(k * 100 / 30) for k in range(10)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".gif"])
@pytest.mark.parametrize("size", [(47, 63), (1, 1), (2, 3)])
def test_odd_and_tiny_sizes(tmp_path, suffix, size):
    frames = np.full((3, *size, 3), (200, 60, 120), np.uint8)
    path = tmp_path / f"a{suffix}"
    assert write_video(path, frames, rate=25) == 3
    video = read_video(path)
    assert video.size == size
    np.testing.assert_allclose(np.mean(video.frames, (0, 1, 2)), (200, 60, 120), atol=3)


@pytest.mark.parametrize("name", ["out", "out/", "out.mp4/"])
def test_folders_of_pngs_are_lossless(tmp_path, name):
    frames = texture(12)
    assert write_video(f"{tmp_path}/{name}", frames, rate=25) == 12
    folder = tmp_path / name
    assert sorted(os.listdir(folder)) == [f"{k:06d}.png" for k in range(12)]
    np.testing.assert_array_equal(read_video(folder).frames, frames)


def test_an_empty_folder_is_filled_and_a_full_one_refused(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    write_video(folder, texture(1), rate=25)
    with pytest.raises(OutputError, match="isn't empty"):
        write_video(folder, texture(2), rate=25)
    assert os.listdir(folder) == ["000000.png"]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.gif", "a"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_everything_as_it_was(tmp_path, name, error):
    def frames():
        # Longer than any encoder looks ahead, so that there is a file by then.
        yield from texture(90, 16, 16)
        assert [p.name.startswith(f".{name}.partial-") for p in tmp_path.iterdir() if p.name != name] == [
            True
        ]
        raise error

    path = tmp_path / name
    if path.suffix:
        path.write_text("an older result")
    with pytest.raises(error):
        write_video(path, frames(), rate=25)
    assert [p.name for p in tmp_path.iterdir()] == ([name] if path.suffix else [])
    assert not path.suffix or path.read_text() == "an older result"


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("an older result")
    write_video(path, texture(3), rate=25)
    assert len(read_video(path)) == 3


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a"])
def test_no_frames(tmp_path, name):
    with pytest.raises(OutputError, match="no frame"):
        write_video(tmp_path / name, [], rate=25)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a"])
def test_frames_that_change(tmp_path, name):
    for bad in (texture(1, 48, 66)[0], texture(1)[0].astype(np.float32), texture(1)[0, ..., 0]):
        with pytest.raises(OutputError, match="frame 1 is"):
            write_video(tmp_path / name, [texture(1)[0], bad], rate=25)
        assert not list(tmp_path.iterdir())


LIMITED = """
import resource, signal, sys
import numpy as np
from fractions import Fraction
from tweenfield.errors import OutputError
from tweenfield.video import write_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).integers(0, 256, (12, 96, 128, 3)).astype(np.uint8)
try:
    write_video(sys.argv[1], noise, rate=Fraction(25))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.gif", "a"])
def test_a_file_that_cannot_grow_is_reported_and_removed(tmp_path, name):
    source = str(Path(tweenfield.__path__[0]).parent)
    environment = {**os.environ, "PYTHONPATH": source}
    target = tmp_path / name
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(target)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert result.stdout.startswith(
        f"{target} can't be written and nothing was left behind: the file would be larger"
    )
    assert result.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_outputs_are_checked_beforehand(tmp_path):
    source, folder, full = tmp_path / "in.mkv", tmp_path / "folder", tmp_path / "full"
    source.touch()
    folder.mkdir()
    full.mkdir()
    (full / "x").touch()
    for good in ("a.mp4", "a.gif", "new", "new/", "folder", "folder/"):
        check_output(f"{tmp_path}/{good}", inputs=[source])
    (tmp_path / "d.mp4").mkdir()
    for name, error, pattern in [
        ("a.avi", UsageError, r"\.avi isn't a kind.*\.mp4, \.mov, \.mkv, \.webm, \.y4m, \.gif"),
        ("in.mkv", UsageError, "also the input"),
        ("folder/../in.mkv", UsageError, "also the input"),
        ("none/a.mp4", OutputError, "none doesn't exist; create it"),
        ("in.mkv/a.mp4", OutputError, "isn't a folder"),
        ("d.mp4", OutputError, "this is a folder"),
        ("full", OutputError, "isn't empty"),
        ("in.mkv/", OutputError, "a file is in the way"),
    ]:
        with pytest.raises(error, match=pattern):
            check_output(f"{tmp_path}/{name}", inputs=[source] if name != "in.mkv/" else [])
    with pytest.raises(UsageError, match="at most 50"):
        check_output(tmp_path / "a.gif", rate=60)
    for rate in (F(0), F(-5), F(10**7)):
        with pytest.raises(UsageError, match="rate"):
            write_video(tmp_path / "a.mp4", texture(1), rate=rate)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="isn't writable"):
        check_output(tmp_path / "a.mp4")


def test_atomic_output_of_plain_files(tmp_path):
    target = tmp_path / "a.json"
    with atomic_output(target) as temporary:
        temporary.write_text("{}")
        assert not target.exists()
    assert target.read_text() == "{}"
    with pytest.raises(ZeroDivisionError), atomic_output(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    with (
        pytest.raises(OutputError, match="doesn't exist; create it"),
        atomic_output(tmp_path / "no/a.json") as other,
    ):
        other.write_text("x")
    assert target.read_text() == "{}"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_drawn_timeline_reads_back_to_the_frame(tmp_path):
    source = tmp_path / "in.mkv"
    write_video(source, texture(25, 16, 16), rate=F(24000, 1001))
    video = read_video(source)
    line = output_timeline(video, fps="60000/1001", slow="2x", end=End.stop)
    path = tmp_path / "out.mkv"
    assert write_video(path, (texture(1, 16, 16)[0] for _ in line.times), rate=line.rate) == 121
    back = read_video(path)
    assert (len(back), back.rate) == (121, F(60000, 1001))
    assert back.times == tuple(2 * t for t in line.times)


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the real clips aren't here")
def test_a_real_clip_survives_at_high_quality(tmp_path):
    video = read_video(CLIPS / "walk.mkv", frames="0:10")
    write_video(tmp_path / "a.mp4", video.frames, rate=video.rate, color=video.color)
    back = read_video(tmp_path / "a.mp4")
    error = np.asarray(back.frames).astype(float) - video.frames
    assert 10 * np.log10(255**2 / (error**2).mean()) > 35
    assert np.abs(error.mean((0, 1, 2))).max() < 0.5


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to see threads")
def test_no_encoder_takes_real_time_priority(tmp_path):
    """SVT-AV1 does for root, and would starve every thread beside one that spins."""

    def policies():
        threads = (int(thread.name) for thread in Path("/proc/self/task").iterdir())
        return {os.sched_getscheduler(thread) for thread in threads}

    def frames():
        yield from texture(16, 64, 64)
        seen.append(policies())  # while the encoder is at work

    for codec in ("h264", "hevc", "av1"):
        seen = []
        write_video(tmp_path / "a.mp4", frames(), rate=25, encoding=Encoding(codec=codec))
        assert seen == [{os.SCHED_OTHER}], codec

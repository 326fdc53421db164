"""Where results go and what a process is given: odd targets, full disks, no stdin, no home, little memory."""

import io
import os
import pickle
import resource
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from campaign.judging import fingerprint
from campaign.seeds import TINY, clip_and_model, make_seeds
from command.running import command, fails, tweenfield

MEMORY = 4 << 30
# A process of its own takes seconds to start.
long = pytest.mark.skipif("CAMPAIGN" not in os.environ, reason="a part of make campaign")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return make_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def folder(seeds, tmp_path):
    """A clip and a model of it."""
    folder = tmp_path / "work"
    folder.mkdir()
    clip_and_model(seeds, folder)
    return folder


LINES = {
    "run": ["run", "{}/in.mp4", "-o", "{out}", *TINY, "-q"],
    "fit": ["fit", "{}/in.mp4", "-o", "{out}", *TINY, "-q"],
    "render": ["render", "{}/m.tween", "-o", "{out}", "-q"],
    "flow": ["flow", "{}/in.mp4", "-o", "{out}", "-q"],
    "eval": ["eval", "{}/in.mp4", "-o", "{out}", "--no-baselines", *TINY, "-q"],
    "bench": ["bench", "fig4b", "--scale", "tiny", "-o", "{out}", "-q"],
}
FILES = {"run": ".mp4", "fit": ".tween", "render": ".mp4"}


def line(name, folder, out):
    return [word.replace("{out}", str(out)).replace("{}", str(folder)) for word in LINES[name]]


def refused(name, folder, out, status, *parts, run=tweenfield):
    before = fingerprint(folder)
    fails(run(*line(name, folder, out)), status, *parts)
    assert fingerprint(folder) == before and not [p for p in folder.rglob(".*") if p.name != ".gitkeep"]


@pytest.mark.parametrize("name", ["run", "render"])
@pytest.mark.parametrize("link", [None, "symlink", "hard link"])
def test_the_input_is_never_the_output(folder, name, link):
    source = out = folder / {"run": "in.mp4", "render": "m.tween"}[name]
    if name == "render":
        source = source.rename(folder / "m.mp4")  # a name that can be written
        shutil.copy(source, folder / "m.tween")
        out = folder / "linked.mp4"
        (out.symlink_to if link == "symlink" else out.hardlink_to)(folder / "m.tween")
    elif link:
        out = folder / "linked.mp4"
        (out.symlink_to if link == "symlink" else out.hardlink_to)(source)
    refused(name, folder, out, 2, "the output is also the input")


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("target", ["/dev/null", "/dev/full", "in.mp4/x", "missing/x"])
def test_a_target_that_takes_no_result_is_refused_before_the_work(folder, name, target):
    out = Path(target) if target.startswith("/") else folder / (target + FILES.get(name, ""))
    if name in FILES and target.startswith("/"):
        out = folder / ("device" + FILES[name])
        out.symlink_to(target)
    before = sorted(folder.iterdir())
    fails(tweenfield(*line(name, folder, out)), 1)
    assert sorted(folder.iterdir()) == before and out.is_char_device() == target.startswith("/")


@long
@pytest.mark.parametrize("name", [n for n in LINES if n != "bench"])
def test_a_full_disk_leaves_nothing_half_written(folder, name):
    out = folder / ("out" + FILES.get(name, ""))
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (300, 300))
    done = subprocess.run(
        command(*line(name, folder, out)), capture_output=True, text=True, check=False, preexec_fn=limit
    )
    fails(done, 1)
    assert sorted(p.name for p in folder.iterdir()) == ["in.mp4", "m.tween"] or (
        name == "run" and "goes on from here" in done.stderr
    )


@long
def test_little_memory_is_one_sentence(folder):
    limit = partial(resource.setrlimit, resource.RLIMIT_AS, (3 << 30, 3 << 30))
    line = ["render", folder / "m.tween", "-o", folder / "out", "--size", "11585x11585", "-q"]
    done = subprocess.run(command(*line), capture_output=True, text=True, check=False, preexec_fn=limit)
    fails(done, 1, "not enough memory")
    assert not (folder / "out").exists()


def test_a_folder_that_cannot_be_written(folder):
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("root may write everywhere")
        for name in LINES:
            fails(
                tweenfield(*line(name, folder, folder / ("out" + FILES.get(name, "")))), 1, "isn't writable"
            )
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("run", "<&- >&- 2>&-"),
        *(pytest.param(*case, marks=long) for case in [("info", "<&-"), ("info", ">&-"), ("run", "<&- >&-")]),
    ],
)
def test_closed_streams(folder, name, closed):
    out = folder / "out.mkv"
    words = ["info", str(folder / "in.mp4")] if name == "info" else line("run", folder, out)
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *command(*words)], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr and done.returncode in (0, 1)
    assert out.exists() == (name == "run")


def test_no_home_and_no_locale(folder):
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C", "LANG": "C"}
    named = folder / "ünï.mp4"
    shutil.copy(folder / "in.mp4", named)
    done = subprocess.run(
        command("run", named, "-o", folder / "öut.mkv", *TINY, "-v"),
        capture_output=True,
        env=bare,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "öut.mkv").exists()


@long
def test_two_runs_to_one_output(folder):
    out = folder / "out.mkv"
    words = line("run", folder, out)
    both = [
        subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate()[1] for run in both]
    for run, err in zip(both, said, strict=True):
        assert "Traceback" not in err
        assert run.returncode == 0 or "another run is making this" in err
    assert 0 in [run.returncode for run in both] and out.exists()
    assert not list(folder.glob(".*"))


class Unpickled:
    def __reduce__(self):
        return (os.mkdir, (os.environ["UNPICKLED"],))


def test_json_never_takes_the_place_of_a_device(folder, tmp_path):
    (tmp_path / "device").symlink_to("/dev/null")
    fails(tweenfield("info", folder / "in.mp4", "--json", tmp_path / "device"), 1, "a device or a pipe")
    assert (tmp_path / "device").is_symlink()


def test_a_link_is_replaced_and_what_it_leads_to_stays(folder):
    (folder / "out.mp4").symlink_to(folder / "precious.txt")
    (folder / "precious.txt").write_text("precious")
    assert tweenfield(*line("run", folder, folder / "out.mp4")).returncode == 0
    assert (folder / "precious.txt").read_text() == "precious" and not (folder / "out.mp4").is_symlink()


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_pickle_is_never_unpickled(seeds, tmp_path, monkeypatch, suffix):
    monkeypatch.setenv("UNPICKLED", str(tmp_path / "unpickled"))
    folder = shutil.copytree(seeds[suffix].folder, tmp_path / "work")
    objects = np.array([Unpickled()], dtype=object)
    for write in ("plain", "array"):
        if write == "plain":
            (folder / f"in.{suffix}").write_bytes(pickle.dumps(Unpickled()))
        elif suffix == "npy":
            np.save(folder / "in.npy", objects, allow_pickle=True)
        else:
            np.savez(folder / "in.npz", forward=objects)
        monkeypatch.chdir(folder)
        fails(tweenfield(*seeds[suffix].lines[0], "-q"), 1, "not a NumPy file of plain numbers")
    assert not (tmp_path / "unpickled").exists()


@long
def test_decompression_bombs_are_one_sentence(seeds, tmp_path):
    """A kilobyte that becomes gigabytes: an .npz of zeros, and a PNG of one colour."""
    limit = partial(resource.setrlimit, resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder = shutil.copytree(seeds["npz"].folder, tmp_path / "npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (5, 32, 40, 2 * 10**6)}
    )
    with zipfile.ZipFile(folder / "in.npz", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("forward.npy", header.getvalue() + bytes(100_000_000))
    pictures = tmp_path / "png"
    pictures.mkdir()
    data = cv2.imencode(".png", np.zeros((32, 40, 3), np.uint8))[1].tobytes()
    width = (30_000).to_bytes(4, "big")
    ihdr = b"IHDR" + width + width + data[24:29]
    lied = data[:12] + ihdr + struct.pack(">I", zlib.crc32(ihdr)) + data[33:]
    (pictures / "0.png").write_bytes(lied)
    for line, where in ((seeds["npz"].lines[0], folder), (("flow", "png", "-o", "out"), tmp_path)):
        done = subprocess.run(
            command(*line, "-q"), capture_output=True, text=True, check=False, preexec_fn=limit, cwd=where
        )
        said = [text for text in done.stderr.splitlines() if not text.startswith("libpng ")]
        assert done.returncode == 1 and len(said) == 1 and said[0].startswith("tweenfield: "), done.stderr

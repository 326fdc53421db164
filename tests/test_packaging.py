"""What is handed out: a source archive that can be tested, and a wheel that works where no checkout is."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from conftest import to_8bit, waves

from tweenfield import read_video, write_video

ROOT = Path(__file__).parents[1]
# Without what would lead Python to the checkout.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def ran(*command, cwd):
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind, source, target):
    """The one file that building leaves, with what is installed here: nothing is fetched."""
    ran(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", target, cwd=source)
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The unpacked source archive."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, folder / "built")) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.name != "built")
    return unpacked


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel, built from the source archive as pip does it."""
    return build("wheel", source, tmp_path_factory.mktemp("wheel") / "built")


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An environment of its own that holds the wheel and sees the dependencies of this one, but not what a
    .pth file adds to it: the checkout.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    found = folder / "bin" / "python"
    own = Path(ran(found, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", cwd="/").strip())
    here = {sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")}
    (own / "dependencies.pth").write_text("\n".join(sorted(here)) + "\n")
    line = ("install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel)
    ran(sys.executable, "-m", "pip", "--python", found, *line, cwd=folder)
    return found


def test_the_wheel_holds_the_package_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        about = {name.split("/", 1)[1]: name for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(about["METADATA"]).decode()
    package = ROOT / "src" / "tweenfield"
    files = {f"tweenfield/{p.relative_to(package).as_posix()}" for p in package.rglob("*") if p.is_file()}
    assert set(names) == {name for name in files if "__pycache__" not in name}
    assert {
        "tweenfield/py.typed",
        "tweenfield/__init__.pyi",
        "tweenfield/bench/templates/report.html.j2",
    } < files
    assert {"entry_points.txt", "licenses/LICENSE"} < about.keys()
    assert "\nRequires-Dist: torch" in metadata and "\n# tweenfield\n" in metadata


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout to compare with")
def test_the_source_archive_holds_every_file_of_the_checkout(source):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    there = [name for name in tracked.splitlines() if (ROOT / name).exists()]
    assert there and not [name for name in there if not (source / name).exists()]
    assert not [path for path in source.rglob("*") if path.name in ("__pycache__", ".venv", "site")]


def test_the_wheel_draws_frames_outside_the_checkout(python, tmp_path):
    place = ran(python, "-c", "import tweenfield; print(tweenfield.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(python.parents[1])
    frames = [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(5)]
    write_video(tmp_path / "clip", frames, rate=Fraction(25))
    # Not transport, whose loops would be compiled anew for this place.
    fit = ("--field", "siren", "--preset", "draft", "--steps", "2", "--device", "cpu", "-q")
    line = ("run", "clip", "-o", "drawn", "--keyframes", "original", *fit)
    assert ran(python.with_name("tweenfield"), *line, cwd=tmp_path) == ""
    drawn = read_video(tmp_path / "drawn").frames
    np.testing.assert_array_equal(drawn[::2], frames)
    assert len(drawn) == 10


def test_tests_of_the_source_archive_pass_on_the_wheel(python, source):
    tests = ("tests/video/test_timing.py", "tests/test_docs.py", "-k", "timing or readme and not python")
    said = ran(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=source)
    assert " passed" in said and "skipped" not in said

"""What newcomers are told is so: the map of the house, the files to add to, hooks, versions, how to cite."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import yaml

import tweenfield

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_map_shows_every_room_once():
    drawn = re.findall(
        r"^  (\S+?)/? {2,}", GUIDE.split("src/tweenfield/\n")[1].split("tests/")[0], re.MULTILINE
    )
    package = ROOT / "src" / "tweenfield"
    rooms = [path.parent.name for path in package.glob("*/__init__.py")]
    assert sorted(drawn) == sorted([*rooms, "__init__.pyi", "errors.py", "machine_code.py", "threads.py"])


def test_the_layers_are_those_that_imports_are_held_to():
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert " > ".join(layers).replace("tweenfield.", "") in GUIDE


def test_every_kind_of_thing_has_its_folder_and_its_table():
    rows = [row.split("|")[1:4] for row in re.findall(r"^\| .*`src/.*$", GUIDE, re.MULTILINE)]
    assert [kind.strip() for kind, *_ in rows] == [
        "field", "objective", "flow provider", "baseline", "container", "experiment",
    ]  # fmt: skip
    for kind, file, line in rows:
        assert (ROOT / file.strip(" `").replace("NAME.py", "")).is_dir(), kind
        for table in re.findall(r"`([A-Z]+)`", line):
            assert isinstance(getattr(tweenfield, table), dict), kind
            for path in re.findall(r"`(src/\S+\.py)`", line):
                assert re.search(rf"^{table}: ", (ROOT / path).read_text(), re.MULTILINE), kind


def test_paths_that_are_named_are_there():
    for path in re.findall(r"(?:tests|benchmarks|docs|src)/[\w/]+\.(?:py|md)", GUIDE):
        assert "NAME" in path or (ROOT / path).exists(), path


def test_tests_that_are_named_are_there():
    lines = [line for line in GUIDE.splitlines() if line.startswith("python -m pytest")]
    assert len(lines) == 3
    for line in lines:
        *_, place = (word for word in shlex.split(line, comments=True) if word.startswith("tests/"))
        files = [ROOT / place, *(ROOT / place).glob("**/test_*.py")]
        assert files[-1].is_file(), line
        if "-k" in line:
            word = shlex.split(line, comments=True)[-1]
            assert any(re.search(rf"^def test_\w*{word}", f.read_text(), re.MULTILINE) for f in files[1:]), (
                line
            )


def test_hooks_run_what_is_installed_here():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    assert [hook["id"] for hook in repository["hooks"]] == ["ruff-check", "ruff-format", "mypy"]
    for hook in repository["hooks"]:
        program, *arguments = shlex.split(hook["entry"])
        assert hook["language"] == "system" and Path(program).parent == Path(".venv/bin")
        here = Path(sys.executable).with_name(Path(program).name)
        subprocess.run([here, *arguments, "--help"], capture_output=True, check=True)


def test_one_version_everywhere():
    latest = re.findall(
        r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert version("tweenfield") == PROJECT["project"]["version"] == latest[0] == cited["version"]


def test_the_paper_is_cited():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (cited["cff-version"], cited["license"]) == ("1.2.0", PROJECT["project"]["license"])
    assert cited["authors"] == PROJECT["project"]["authors"]
    (paper,) = cited["references"]
    assert [a["family-names"] for a in paper["authors"]] == ["Zhuang", "Hascoet", "Takashima", "Takiguchi"]
    assert paper["url"].endswith("2206.10886")

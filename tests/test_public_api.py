import ast
import subprocess
import sys
from pathlib import Path

from importlinter.cli import lint_imports

import tweenfield

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_there():
    for name in tweenfield.__all__:
        assert getattr(tweenfield, name) is not None


def test_no_module_hides_a_public_name():
    for name in tweenfield.__all__:
        assert not (ROOT / "src/tweenfield" / name).exists()
        assert not (ROOT / "src/tweenfield" / f"{name}.py").exists()


def test_every_room_says_what_goes_in_and_what_comes_out():
    rooms = [path for path in (ROOT / "src/tweenfield").iterdir() if (path / "__init__.py").exists()]
    assert len(rooms) <= 11
    for room in rooms:
        said = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
        assert " in" in said and " out" in said and len(said.splitlines()) == 1, room.name


def test_help_and_version_need_no_torch():
    code = (
        "import sys; from tweenfield.command.app import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'numpy', 'av', 'cv2', 'matplotlib') if m in sys.modules])"
    )
    for argument in ("--help", "--version"):
        result = subprocess.run(
            [sys.executable, "-c", code, argument], capture_output=True, text=True, check=True
        )
        assert result.stdout.splitlines()[-1] == "[]"


def test_concrete_fields_are_named_by_presets_and_by_the_objective_that_fits_one():
    configs = {
        type(recipe.field).__name__ for known in tweenfield.RECIPES.values() for recipe in known.values()
    }
    concrete = configs | {name.removesuffix("Config") for name in configs}
    assert {"Siren", "SirenConfig"} < concrete
    package = ROOT / "src/tweenfield"
    naming = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and concrete.intersection(alias.name for alias in node.names)
    }
    naming = {name for name in naming if not name.startswith("fields/")}
    assert naming == {"fitting/presets.py", "fitting/leave_out/objective.py"}


def test_imports_point_one_way_only(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml") == 0


def test_types_hold():
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_sources_are_lint_free_and_no_file_outgrows_one_idea():
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    assert not [path for path in sources if len(path.read_text().splitlines()) > 400]

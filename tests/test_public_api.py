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


def test_type_checkers_see_the_same_names_as_python():
    tree = ast.parse((ROOT / "src/tweenfield/__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen.keys() == set(tweenfield.__all__)
    assert {name: f"tweenfield.{module}" for name, module in tweenfield._WHERE.items()} == seen


def test_functions_win_over_the_modules_of_their_name():
    # Importing the submodules first must not hide the functions.
    code = (
        "import tweenfield.fit, tweenfield.render, tweenfield.evaluate, tweenfield as t\n"
        "print(*map(callable, (t.fit, t.render, t.evaluate)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True"] * 3


def test_help_and_version_need_no_torch():
    code = (
        "import sys; from tweenfield.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'numpy', 'av', 'cv2', 'matplotlib') if m in sys.modules])"
    )
    for argument in ("--help", "--version"):
        result = subprocess.run(
            [sys.executable, "-c", code, argument], capture_output=True, text=True, check=True
        )
        assert result.stdout.splitlines()[-1] == "[]"


def test_imports_point_one_way_only(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml") == 0


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

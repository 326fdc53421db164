"""``python -m pytest -p tests.covered``: which lines of the package ran in this process.

SlipCover rewrites code objects, which costs 3 to 7% here. A tracer would see every line of the type checks
as well and cost 40%. It has to come after jaxtyping's import hook, which makes the code objects, and before
conftest.py, which imports the package. What Numba compiles is left out: it never runs as Python.
"""

import sys
from pathlib import Path

import slipcover

PACKAGE = Path(__file__).parents[1] / "src" / "tweenfield"
_COMPILED = [str(path) for path in PACKAGE.rglob("*.py") if "machine_code import" in path.read_text()]
# The bodies of protocols and of abstract methods are there to be read.
_seen = slipcover.Slipcover(source=[str(PACKAGE)], omit=_COMPILED, exclude_also=[r"^\s*\.\.\.$"])


def pytest_load_initial_conftests():
    slipcover.ImportManager(_seen, slipcover.FileMatcher([PACKAGE], _COMPILED)).__enter__()


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("lines that did not run")
    terminalreporter.flush()
    slipcover.print_coverage(_seen.get_coverage(), outfile=sys.stdout, skip_covered=True, missing_width=60)

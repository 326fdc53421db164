"""``python -m pytest -p tests.covered``: which lines of the package ran in this process.

SlipCover rewrites code objects, which costs 3 to 7% here. A tracer would see every line of the type checks
as well and cost 40%. It has to come after jaxtyping's import hook, which makes the code objects, and before
conftest.py, which imports the package.
"""

import sys
from pathlib import Path

import slipcover

PACKAGE = Path(__file__).parents[1] / "src" / "tweenfield"
# The bodies of protocols and of abstract methods are there to be read.
_seen = slipcover.Slipcover(source=[str(PACKAGE)], exclude_also=[r"^\s*\.\.\.$"])


def pytest_load_initial_conftests():
    slipcover.ImportManager(_seen, slipcover.FileMatcher(sources=[PACKAGE])).__enter__()


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("lines that did not run")
    terminalreporter.flush()
    slipcover.print_coverage(_seen.get_coverage(), outfile=sys.stdout, skip_covered=True, missing_width=60)

"""Prints docs/licences.md: what tweenfield depends on, and under which licence each is, by its own metadata.

    python .ci/licences.py > docs/licences.md

Run it where the extras ``view`` and ``test`` are installed.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
# Metadata that name no licence, or all of its text.
SHORT = 60


def needed(requirements: list[str]) -> dict[str, Distribution]:
    """All that is installed of the requirements and of what they require, by its name."""
    found: dict[str, Distribution] = {}
    left = [Requirement(text) for text in requirements]
    while left:
        requirement = left.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        extras = requirement.extras or {""}
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for text in found[name].requires or []:
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                inner.marker = None
                left.append(inner)
    return found


def licence(package: Distribution) -> str:
    """Its SPDX expression, or what its classifiers or its field say."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    classified = [
        c.split(" :: ")[-1] for c in metadata.get_all("Classifier") or [] if c.startswith("License")
    ]
    text = (metadata.get("License") or "").strip().splitlines()
    return ", ".join(c for c in classified if c != "OSI Approved") or (
        text[0][:SHORT] if text else "see its files"
    )


def page() -> str:
    """The page as Markdown."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = needed(project["dependencies"])
    view = needed(project["optional-dependencies"]["view"])
    tests = needed(project["optional-dependencies"]["test"])
    lines = [
        "# Licences",
        "",
        "tweenfield is under the MIT licence. This is what it depends on, directly or by way of another",
        "package, on Linux with PyTorch's CPU build, as each package's metadata say. PyAV's wheels hold",
        "FFmpeg with x264 and x265, which are under the GPL: whoever passes on those wheels along with",
        "tweenfield has to follow it.",
        "",
        "| package | licence | needed |",
        "|---|---|---|",
    ]
    for name in sorted({**base, **view, **tests}):
        package = base.get(name) or view.get(name) or tests[name]
        when = "always" if name in base else "by the viewer" if name in view else "by the tests"
        lines.append(f"| {name} | {licence(package)} | {when} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")

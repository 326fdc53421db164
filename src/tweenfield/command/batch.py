"""Many inputs."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from natsort import natsorted
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tweenfield.command.console import known, print_json, printable, say
from tweenfield.command.options import Settings
from tweenfield.errors import OutputError, Stopped, TweenfieldError, UsageError

# Files that a folder of videos is searched for.
VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".gif",
        ".y4m",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".wmv",
        ".flv",
        ".3gp",
        ".ogv",
        ".mxf",
    ]
)


class Job(NamedTuple):
    """One input and its output."""

    source: Path
    output: str


def jobs_of(sources: Sequence[str], output: str) -> list[Job] | None:
    """What to do for several inputs, patterns and folders of videos; None for a single plain input.

    Raises:
        UsageError: a pattern or a folder has nothing, ``output`` isn't a folder, or two would be one file.
    """
    from tweenfield.video import is_stdout

    found: list[Path] = []
    several = len(sources) > 1
    for source in sources:
        path = Path(source)
        if path.is_dir() and (videos := _videos(path)):
            found, several = found + videos, True
        elif not path.exists() and glob.has_magic(source):
            matches = [Path(name) for name in natsorted(glob.glob(source, recursive=True))]
            if not matches:
                raise UsageError(f"{source}: no file has such a name; check the pattern")
            found, several = found + matches, True
        else:
            found.append(path)
    if not several:
        return None
    named = Path(output).suffix and not output.endswith("/") and not Path(output).is_dir()
    if named or is_stdout(output):
        raise UsageError(
            f"{output}: the results of {len(found)} inputs need a folder; give its name, such as -o out/"
        )
    jobs = [Job(source, str(Path(output) / _result_name(source))) for source in found]
    for job in jobs:
        same = [other.source for other in jobs if other.output == job.output]
        if len(same) > 1:
            raise UsageError(f"{same[0]} and {same[1]} would both become {job.output}; rename one of them")
    return jobs


# Makes each of some videos, and gives it with what to tell of it, in any order.
Each = Callable[[Sequence[Job]], Iterable[tuple[Job, dict[str, Any]]]]


def one_by_one(make: Callable[[Job], dict[str, Any]], quiet: bool) -> Each:
    """Here, one after the other."""

    def each(jobs: Sequence[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
        for number, job in enumerate(jobs, start=1):
            say(f"{number} of {len(jobs)}: {job.source}", quiet=quiet)
            try:
                yield job, make(job) | {"state": "written"}
            except TweenfieldError as error:
                if isinstance(error.__cause__, KeyboardInterrupt):
                    raise
                yield job, failed(str(error))

    return each


def failed(reason: str) -> dict[str, Any]:
    """Say and keep why a video couldn't be made."""
    say(f"tweenfield: {reason}")
    return {"state": "failed", "reason": known(reason)}


def run_all(jobs: Sequence[Job], output: str, each: Each) -> list[dict[str, Any]]:
    """Make each that isn't there yet, and go on past those that fail; returns what to tell of them.

    Raises:
        OutputError: the folder can't be made.
        Stopped: by Ctrl-C.
    """
    try:
        Path(output).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{output}: the folder can't be made ({error.strerror}); make it first, or choose another"
        ) from error
    found = {job: {"state": "there already"} for job in jobs if Path(job.output).exists()}
    try:
        found |= each([job for job in jobs if job not in found])
    except KeyboardInterrupt:
        made = sum(Path(job.output).exists() for job in jobs)
        raise Stopped(
            f"stopped by Ctrl-C; {made} of {len(jobs)} results are in {output}, and the same command makes "
            "the others"
        ) from None
    return [{"input": known(str(job.source)), "output": job.output, **found[job]} for job in jobs]


def say_results(results: Sequence[dict[str, Any]], settings: Settings) -> None:
    """Tell what became of each, as a table or as JSON.

    Raises:
        TweenfieldError: at least one failed.
    """
    if settings.json:
        print_json({"results": results}, settings.json)
    elif not settings.quiet:
        _print_results(results)
    lost = sum(facts["state"] == "failed" for facts in results)
    if lost:
        raise TweenfieldError(f"{lost} of {len(results)} inputs failed; see above")


def _videos(folder: Path) -> list[Path]:
    """The videos in a folder, in natural order; none if it can't be listed."""
    try:
        names = [p for p in folder.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES and p.name[0] != "."]
    except OSError:
        return []
    return natsorted(names, key=lambda path: path.name)


def _result_name(source: Path) -> str:
    """The same name if that kind of file can be written."""
    from tweenfield.video import CONTAINERS

    kept = source.suffix.lower() in CONTAINERS and source.suffix
    return source.stem + (source.suffix if kept else ".mp4")


def _print_results(results: Sequence[dict[str, Any]]) -> None:
    table = Table("input", "result", "state", "frames", "expected (dB)")
    for facts in results:
        names = (Text(printable(Path(facts[key]).name)) for key in ("input", "output"))
        expected = facts.get("expected")
        psnr = "" if not expected else "exact" if expected["psnr"] == 100 else f"{expected['psnr']:.1f}"
        table.add_row(*names, facts["state"], str(facts.get("frames", "")), psnr)
    Console(soft_wrap=True).print(table)

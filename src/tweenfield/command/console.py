"""What the command line shows: progress on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from tweenfield.storage.atomic import atomic_output, check_target

if TYPE_CHECKING:
    from tweenfield import Shot

T = TypeVar("T")

# Where stderr is a file, a line this often (in seconds) takes the place of the moving bar.
LOG_SECONDS = 10
# What a job will take shows after so many seconds, and is said where as many are left.
_FORECAST_AFTER, _LONG = 15, 60


class Stages:
    """One line per stage of the work: bar, count, rate, time left, remark."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console = console
        self._progress = progress
        self._tasks: dict[str, Any] = {}
        self._logged: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._announced: set[str] = set()

    def __call__(self, stage: str, done: int, total: int, remark: str = "") -> None:
        """Say that ``done`` of ``total`` are done."""
        if self._progress is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total, remark="")
            self._progress.update(self._tasks[stage], completed=done, remark=remark)
        elif not self._console.quiet:
            self._log(stage, done, total, remark)

    def count(
        self,
        stage: str,
        items: Iterable[T],
        total: int,
        remark: Callable[[int], str] = lambda done: "",
        begun: int = 0,
    ) -> Iterator[T]:
        """The same items, each counted as it passes; that a job will take long is said once it shows.

        ``begun`` of the total were done before these.
        """
        began = time.monotonic()
        for done, item in enumerate(items, start=begun + 1):
            yield item
            said = remark(done)
            self(stage, done, total, said)
            passed = time.monotonic() - began
            if stage not in self._announced and passed > _FORECAST_AFTER:
                self._announced.add(stage)
                left = passed / (done - begun) * (total - done)
                if left > _LONG:
                    minutes = (
                        f"about {left / 60:.0f} more minutes" if left >= 120 else f"{left:.0f} more seconds"
                    )
                    size = f"; the result will have {said}" if said else ""
                    self._console.print(
                        f"{total} frames at {(done - begun) / passed:.2g} a second will take {minutes}{size}",
                        highlight=False,
                        soft_wrap=True,
                    )

    def _log(self, stage: str, done: int, total: int, remark: str) -> None:
        now = time.monotonic()
        began = self._began.setdefault(stage, now)
        last = self._logged.setdefault(stage, now)
        if now - last < LOG_SECONDS and not (done == total and now - began > 2):
            return
        self._logged[stage] = now
        rate = done / max(now - began, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if 0 < done < total else ""
        remark = f", {remark}" if remark else ""
        self._console.print(f"{stage}: {done} of {total}{remark}, {rate:.3g}/s{left}", highlight=False)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s", style="cyan")


@contextmanager
def stages(quiet: bool) -> Iterator[Stages]:
    """Progress of the stages that run inside."""
    console = Console(stderr=True, quiet=quiet)
    if quiet or not console.is_terminal:
        yield Stages(console, None)
        return
    columns = (
        TextColumn("{task.description:<7}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("[dim]{task.fields[remark]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield Stages(console, progress)


# What stands for files of our own making, which nobody knows.
_CALLED: dict[str, str] = {}


@contextmanager
def called(path: Path, name: str) -> Iterator[None]:
    """What is said inside of the file at ``path`` is said of ``name``."""
    _CALLED[str(path)] = name
    try:
        yield
    finally:
        del _CALLED[str(path)]


def known(message: str) -> str:
    """The message with names that users know."""
    for path, name in _CALLED.items():
        message = message.replace(path, name)
    return message


def say(message: str, *, quiet: bool = False) -> None:
    """One line on stderr; of what can't be printed, as in the name of a file, its escape.

    ``quiet`` says that nobody wants to know; what is lost or damaged is said all the same.
    """
    if not quiet:
        print(printable(known(message)), file=sys.stderr)


def printable(text: str) -> str:
    """The text with escapes in place of what can't be printed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """The same values with fractions as "numerator/denominator", as JSON needs them."""
    return {name: str(value) if isinstance(value, Fraction) else value for name, value in values.items()}


def check_json(target: str | None) -> None:
    """Find out before the work that JSON can't be written to ``target``."""
    if target and target != "-":
        check_target(target)


def print_json(values: dict[str, Any], target: str) -> None:
    """Write JSON to the file ``target``, or to stdout if it is "-"."""
    text = json.dumps(values, indent=2)
    if target == "-":
        print(text)
    else:
        with atomic_output(Path(target)) as temporary:
            temporary.write_text(text + "\n")


def print_facts(facts: dict[str, object]) -> None:
    """Names and values, one a line however long, on stdout."""
    width, console = max(map(len, facts)), Console(soft_wrap=True)
    for name, value in facts.items():
        console.print(Text.assemble((f"{name:{width}}  ", "dim"), str(value)))


def print_shots(shots: list[Shot]) -> None:
    """A table on stdout: each shot's frames as --frames takes them, its times, and how it begins."""
    table = Table("shot", "frames", "from", "to", "begins")
    for number, shot in enumerate(shots, start=1):
        length = f" of {shot.transition} frames" if shot.transition else ""
        table.add_row(
            str(number),
            "{}:{}".format(*shot.frames),
            f"{float(shot.start):.3f} s",
            f"{float(shot.end):.3f} s",
            shot.begins + length,
        )
    Console(soft_wrap=True).print(table)


# What scores are called, how many digits are shown, and which is best.
_SCORES = {"psnr": ("PSNR (dB)", 2, max), "ssim": ("SSIM", 4, max), "lpips": ("LPIPS", 4, min)}


def print_scores(rows: list[tuple[str, dict[str, Any]]], title: str) -> None:
    """A table on stdout of the PSNR, SSIM and LPIPS of each method, the best of each column in bold."""
    columns = [
        (name, *shown, better(values[name] for _, values in rows))
        for name, (*shown, better) in _SCORES.items()
        if all(name in values for _, values in rows)
    ]
    table = Table("")
    for _, heading, *_ in columns:
        table.add_column(heading, justify="right")
    for method, values in rows:
        table.add_row(
            Text(method),
            *(
                Text(f"{values[name]:.{digits}f}", style="bold" if values[name] == best else "")
                for name, _, digits, best in columns
            ),
        )
    print(title)  # as a title of the table it would be broken to its width
    Console().print(table)

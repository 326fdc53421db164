"""``run`` on the machines of a cluster: a piece of one long video is a task, or one video of many."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stderr
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

from tweenfield.command import actions, trust
from tweenfield.command.batch import Each, Job, failed
from tweenfield.command.console import Stages, stages
from tweenfield.command.options import Device, Keyframes, Settings
from tweenfield.command.run_options import Running
from tweenfield.errors import ClusterError, TweenfieldError, UsageError, VideoError

if TYPE_CHECKING:
    from tweenfield import Cell, Companion, Expectation, FitResult, Look, Timeline, Video
    from tweenfield.bench.cells import Elsewhere, Row, Setting
    from tweenfield.command.cluster.tasks import Cluster, Need
    from tweenfield.storage.parcel import Parcel
    from tweenfield.video import Compared

_FOLDERS = ("report", "error_maps")
# Bytes that a process needs, more for each pixel of a frame, and with a field that samples the whole clip for
# each pixel of all frames: a little above what docs/costs.md and docs/settings.md have.
_MEMORY, _PER_PIXEL, _PER_SAMPLE = 1 << 30, 500, 50
# Frames that a task looks through for repeats: some half a minute at 1080p.
_COMPARED = 1024


def joined(ray: str | None) -> AbstractContextManager[Cluster | None]:
    """The cluster that ``--ray`` names, if it was given."""
    if ray is None:
        return nullcontext()
    from tweenfield.command.cluster.tasks import connected

    return connected(ray)


def check_spread(output: str) -> None:
    """Find out before the work that one video can't be made in pieces.

    Raises:
        UsageError: its container is written in one go.
    """
    from tweenfield.video import in_pieces

    if not in_pieces(output):
        raise UsageError(
            f"{output}: this is written in one go, not in pieces; leave out --ray, or write a file such as "
            ".mp4"
        )


def need_of(device: str, size: tuple[int, int], samples: int = 0) -> Need:
    """What a task takes for frames of this (height, width) and, if it fits, so many pixels of all frames."""
    import torch

    from tweenfield.command.cluster.tasks import Need

    return Need(
        threads=torch.get_num_threads(),
        gpus=int(device == "cuda"),
        memory=_MEMORY + _PER_PIXEL * size[0] * size[1] + _PER_SAMPLE * samples,
    )


def device_of(cluster: Cluster, device: Device) -> str:
    """Where tasks compute: one kind of device for all, as another one rounds differently.

    Raises:
        UsageError: a GPU was asked for, and there is none.
    """
    if device is Device.cuda and not cluster.gpus:
        raise UsageError("--device cuda: no machine of the cluster has a GPU; leave it out")
    return "cuda" if cluster.gpus and device is not Device.cpu else "cpu"


@final
@dataclass(frozen=True)
class Comparing:
    """Compares the frames of any stretch of a video on another machine."""

    video: Video

    def __call__(self, span: tuple[int, int]) -> list[Compared | None]:
        from tweenfield.video import compared

        return list(compared(self.video, *span))


def compared_elsewhere(cluster: Cluster) -> actions.Compare:
    """What compares the frames of many stretches at once."""

    def compare(video: Video, on_stage: Stages) -> Iterator[Compared | None]:
        from tweenfield.command.cluster.tasks import Failed

        count, need = len(video) - 1, need_of("cpu", video.size)
        spans = list(pairwise([*range(0, count, _COMPARED), count]))
        found: dict[int, list[Compared | None]] = {}
        done = 0
        for number, stretch in cluster.run(Comparing(video), spans, lambda span: need):
            begin, end = spans[number]
            if isinstance(stretch, Failed):
                raise ClusterError(f"{video.name}: frames {begin} to {end}: {stretch.reason}")
            found[number], done = stretch, done + end - begin
            on_stage("compare", done, count)
        return chain.from_iterable(found[number] for number in range(len(spans)))

    return compare


class Drawn(NamedTuple):
    """A piece, what to expect of its frames, and the maps of that if they were asked for."""

    piece: Parcel
    expected: list[Expectation]
    maps: Parcel


@final
@dataclass(kw_only=True)
class Pieces:
    """What draws any piece of a video on another machine.

    Attributes:
        output: what is written in the end, whose name says how.
        video: the observed frames.
        model: the file of the fit.
        flow: a provider's name, or where flow is.
        timeline: of the frames that are drawn.
        look: how they are shown.
        drawing: how they are drawn.
        companion: what is mixed in, if anything.
        device: on which.
    """

    output: str
    video: Video
    model: bytes
    flow: str | Path
    timeline: Timeline
    look: Look
    drawing: Running
    companion: Companion | None
    device: str

    @cached_property
    def _result(self) -> FitResult:
        from tweenfield.fitting.loop import resumed
        from tweenfield.fitting.model_file import load

        with tempfile.TemporaryDirectory() as folder, stages(quiet=True) as on_stage:
            model = Path(folder, "fit.tween")
            model.write_bytes(self.model)
            flow = actions.flow_of(str(self.flow), self.video, on_stage)
            return resumed(load(model), self.video, flow, device=self.device)

    def __call__(self, span: tuple[int, int]) -> Drawn:
        from tweenfield.storage.parcel import packed
        from tweenfield.video import packed_piece

        field, drawing = self._result.field, self.drawing
        drawn = actions.drawer(
            self._result,
            self.timeline,
            keyframes=self.video if drawing.keyframes is Keyframes.original else None,
            shutter=drawing.shutter,
            doubtful=drawing.doubtful,
            companion=self.companion,
        )
        with tempfile.TemporaryDirectory() as folder:
            maps = Path(folder)
            watched = trust.Trust(field, self.timeline, maps if drawing.error_maps else None)

            def shown(begin: int, end: int) -> Iterator[Any]:
                return watched.watch(begin, drawn(begin, end)) if field.expects_error else drawn(begin, end)

            piece = packed_piece(self.output, shown, span, self.look)
            return Drawn(piece, watched.noted, packed(maps))


def drawn_elsewhere(
    cluster: Cluster,
    pieces: Pieces,
    watched: trust.Trust | None,
    on_drawn: Callable[[int], None],
) -> Callable[[Sequence[tuple[int, int]]], Iterator[tuple[int, Parcel]]]:
    """What ``write_in_pieces`` takes; pieces that fail are named once the others are there.

    ``on_drawn`` is told how many frames are there after each.
    """

    need = need_of(pieces.device, pieces.video.size)
    # Where flow is, a file or folder; and sound goes along when the pieces are joined.
    given = Path(pieces.flow)
    pieces = replace(
        pieces, flow=given if given.exists() else pieces.flow, look=replace(pieces.look, carried=None)
    )

    def elsewhere(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, Parcel]]:
        from tweenfield.command.cluster.tasks import Failed

        done = len(pieces.timeline) - sum(end - begin for begin, end in spans)
        lost: list[str] = []
        for number, drawn in cluster.run(pieces, spans, lambda span: need):
            begin, end = spans[number]
            if isinstance(drawn, Failed):
                lost.append(f"frames {begin} to {end - 1}: {drawn.reason}")
                continue
            if watched:
                watched.add(drawn.expected, drawn.maps)
            yield begin, drawn.piece
            done += end - begin
            on_drawn(done)
        if lost:
            raise ClusterError(
                f"{pieces.output}: {'; '.join(lost)}; the other frames are kept, and the same command "
                "tries these again"
            )

    return elsewhere


class Made(NamedTuple):
    """One video of many as it comes from another machine, with what was said on the way."""

    output: Parcel
    facts: dict[str, Any]
    folders: dict[str, Parcel]
    said: list[str]


@final
@dataclass(frozen=True, kw_only=True)
class Clip:
    """Makes all of a video on another machine."""

    drawing: Running
    settings: Settings

    def __call__(self, job: tuple[Path, str, str, str | Path]) -> Made:
        from tweenfield.command.run import run_one
        from tweenfield.storage.parcel import packed

        source, called, target, flow = job
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, redirect_stderr(said):
            # A folder of its own, as a name may be any.
            output = Path(tempfile.mkdtemp(dir=folder), Path(target).name)
            drawing = replace(
                self.drawing,
                report=self.drawing.report and Path(folder, "report"),
                error_maps=self.drawing.error_maps and Path(folder, "error_maps"),
            )
            try:
                facts = run_one(
                    Job(source, str(output)), drawing, replace(self.settings, flow=str(flow), json=None)
                )
            except TweenfieldError as error:
                raise TweenfieldError(str(error).replace(str(output), target)) from error
            made = packed(output)
            asked = {name: getattr(drawing, name) for name in _FOLDERS}
            folders = {name: packed(path) for name, path in asked.items() if path}
        lines = [line for line in said.getvalue().splitlines() if line.startswith("tweenfield: ")]
        told = [line.replace(str(output), target).replace(str(source), called) for line in lines]
        return Made(made, facts, folders, told)


def _extent(source: Path | Sequence[Path], wanted: tuple[int, int] | None) -> tuple[tuple[int, int], int]:
    """(height, width) of a clip and about how many frames it has; what is wrong with it, its task says."""
    from tweenfield.video.decoding import open_video
    from tweenfield.video.images import image_paths, read_image

    try:
        if isinstance(source, Path) and not source.is_dir():
            with open_video(source) as (_, stream):
                height, width, frames = stream.height, stream.width, stream.frames
        else:
            paths = image_paths(source) if isinstance(source, Path) else source
            (height, width, _), frames = read_image(paths[0]).shape, len(paths)
    except VideoError:
        height, width, frames = 0, 0, 0
    return wanted or (height, width), frames


def clips_elsewhere(cluster: Cluster, drawing: Running, settings: Settings) -> Each:
    """What ``run_all`` takes: each video is a task."""
    device = device_of(cluster, settings.device)

    def each(jobs: Sequence[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
        from tweenfield.command.cluster.tasks import Failed
        from tweenfield.storage.atomic import atomic_output
        from tweenfield.storage.parcel import unpack
        from tweenfield.storage.unfinished import unfinished
        from tweenfield.video import parse_size

        def laid_down(output: str, made: Made) -> None:
            for line in made.said:
                print(line, file=sys.stderr)
            own = trust.of_one(drawing, output)
            targets = {Path(output): made.output}
            targets |= {getattr(own, name): parcel for name, parcel in made.folders.items()}
            # What a run on one machine left of it goes, and none makes it meanwhile.
            with unfinished(output, "made elsewhere"):
                for target, parcel in targets.items():
                    with atomic_output(target) as temporary:
                        unpack(parcel, temporary)

        given = Path(settings.flow)
        flow = given if given.exists() else settings.flow
        items = [(job.source, str(job.source), job.output, flow) for job in jobs]
        work = Clip(drawing=drawing, settings=replace(settings, device=Device(device)))
        sampled = actions.recipe_of(settings).objective.holds_clip

        def need(item: tuple[Path, str, str, str | Path]) -> Need:
            size, frames = _extent(item[0], parse_size(settings.size) if settings.size else None)
            return need_of(device, size, frames * size[0] * size[1] if sampled else 0)

        with stages(settings.quiet) as on_stage:
            on_stage("clips", 0, len(jobs))
            for done, (number, made) in enumerate(cluster.run(work, items, need), start=1):
                job = jobs[number]
                try:
                    if isinstance(made, Failed):
                        named = str(job.source) in made.reason or job.output in made.reason
                        raise ClusterError(made.reason if named else f"{job.source}: {made.reason}")
                    laid_down(job.output, made)
                    facts = made.facts | {"written": job.output, "state": "written"}
                except TweenfieldError as error:
                    facts = failed(str(error))
                yield job, facts
                on_stage("clips", done, len(jobs))

    return each


def cells_elsewhere(cluster: Cluster) -> Elsewhere:
    """What ``bench`` takes: each cell is a task, and those that fail are named once the others are there."""

    def elsewhere(cells: Sequence[Cell], setting: Setting) -> Iterator[tuple[Row, Parcel]]:
        from tweenfield.bench.cells import computed
        from tweenfield.command.cluster.tasks import Failed

        def need(cell: Cell) -> Need:
            case = cell.case
            size, frames = _extent(case.source, case.size) if case.source else (case.size or (240, 360), 41)
            samples = (case.frames or frames) * size[0] * size[1]
            return need_of(setting.device, size, samples)

        lost: list[str] = []
        for number, found in cluster.run(partial(computed, setting=setting), cells, need):
            if isinstance(found, Failed):
                lost.append(f"{cells[number].method.name} on {cells[number].case.name}: {found.reason}")
            else:
                yield found
        if lost:
            raise ClusterError(
                f"{'; '.join(lost)}; the other cells are kept, and the same command tries these again"
            )

    return elsewhere

"""``tweenfield bench``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from tweenfield.command import actions
from tweenfield.command.cluster import spread
from tweenfield.command.console import print_facts, print_scores, stages
from tweenfield.command.options import (
    FIT,
    INPUT,
    Device,
    DeviceOption,
    LpipsOption,
    ProtocolOption,
    Quiet,
    Verbose,
    check_name,
)
from tweenfield.command.run_options import RayOption
from tweenfield.errors import Stopped, UsageError


class ScaleName(str, Enum):
    tiny = "tiny"
    small = "small"
    paper = "paper"


def bench(
    experiments: Annotated[
        list[str],
        typer.Argument(
            metavar="EXPERIMENT...",
            help="table1, fig3, fig4a to fig4e, fig7: the paper's; clips: our own table.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Where results are kept and added to.", show_default=False
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Clips or data sets; a drawn pattern if not given.",
            show_default=False,
            rich_help_panel=INPUT,
        ),
    ] = None,
    scale: Annotated[
        ScaleName, typer.Option(help="tiny: a trial; small: minutes on a CPU; paper: hours on a GPU.")
    ] = ScaleName.small,
    flow: Annotated[
        str,
        typer.Option(metavar="FLOW", help="dis, deepflow, farneback or ptlflow:NAME.", rich_help_panel=FIT),
    ] = "dis",
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=...]",
            help="For table1 and clips: compare with this, in place of all that can be run; may be repeated. "
            "As for eval.",
            show_default=False,
        ),
    ] = None,
    protocol: ProtocolOption = "tweenfield",
    lpips: LpipsOption = None,
    device: DeviceOption = Device.auto,
    ray: RayOption = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Tables and figures of the paper from your own data, beside what it claims; finished parts are kept."""
    from tweenfield.baselines import chosen
    from tweenfield.bench.experiments import EXPERIMENTS
    from tweenfield.bench.runner import bench as run
    from tweenfield.flow import provider

    for name in experiments:
        check_name("experiment", name)
    check_name("protocol", protocol)
    estimator = provider(flow)
    if estimator is None:
        raise UsageError(
            f"--flow {flow!r} is no provider; a benchmark estimates the flow of every clip itself"
        )
    if baseline and not any(EXPERIMENTS[name].compares for name in experiments):
        comparing = " and ".join(name for name, experiment in EXPERIMENTS.items() if experiment.compares)
        raise UsageError(f"--baseline is for {comparing}, which compare with baselines; leave it out")
    measure = actions.lpips_of(lpips)
    actions.show_settings(verbose, scale, estimator, protocol, *(chosen(baseline) if baseline else ()))
    stopped_at = ""
    with spread.joined(ray) as cluster, stages(quiet) as on_stage:

        def on_cell(name: str, done: int, total: int, remark: str) -> None:
            nonlocal stopped_at
            stopped_at = f"{done} of {total} cells of {name}"
            on_stage(name, done, total, remark)

        try:
            found = run(
                experiments,
                output,
                data=data,
                scale=scale.value,
                flow=estimator,
                protocol=protocol,
                lpips=measure,
                baselines=chosen(baseline) if baseline else None,
                device=spread.device_of(cluster, device) if cluster else device.value,
                on_cell=on_cell,
                elsewhere=spread.cells_elsewhere(cluster) if cluster else None,
            )
        except KeyboardInterrupt:
            raise Stopped(
                f"stopped by Ctrl-C; {stopped_at} are finished in {output}, and the same command goes on"
            ) from None
    if not quiet:
        for name, content in found.items():
            _show(name, content, protocol)
        print_facts({"report": output / "report.html"})


def _show(name: str, content: dict[str, Any], protocol: str) -> None:
    """Means over clips on stdout, and what became of the claim."""
    from tweenfield.bench.experiment import mean

    table = content["table"]
    mine = {row["method"]: [r for r in table if r["method"] == row["method"]] for row in table}
    print_scores(
        [
            (method, {s: mean(r[s] for r in rows) for s in ("psnr", "ssim", "lpips") if s in rows[0]})
            for method, rows in mine.items()
        ],
        f"{name}, scale {content['scale']}: means over clips, protocol {protocol}",
    )
    if content["verdict"]:
        print_facts({"claim": content["claim"], "here": content["verdict"]["outcome"]})

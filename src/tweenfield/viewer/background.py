"""A fit in a thread, whose field can be looked at while it goes on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, final

import torch

from tweenfield.errors import TweenfieldError
from tweenfield.fields.base import Field
from tweenfield.fitting.loop import fit
from tweenfield.fitting.recipe import Recipe
from tweenfield.fitting.result import FitResult, Progress
from tweenfield.flow.estimator import Flow
from tweenfield.video import Video

# A copy of the field is handed out so often, in seconds: each costs its parameters, and what was drawn.
COPY_SECONDS = 2.0
# The rate is that of the last so many reports.
_RECENT = 8


class _Stopped(Exception):
    """Whoever looks on pressed Stop."""


@final
class BackgroundFit:
    """A fit that runs in a thread of its own.

    Args:
        video: the observed frames.
        flow: makes their flow; called in the thread.
        recipe: as for ``tweenfield.fit``.
        device: as for ``tweenfield.fit``.
        on_field: called with a copy of the field every few seconds, and with the field when the fit ends.
    """

    def __init__(
        self,
        video: Video,
        flow: Callable[[], Flow],
        recipe: Recipe,
        *,
        device: str = "auto",
        on_field: Callable[[Field], None],
        copy_seconds: float = COPY_SECONDS,
    ) -> None:
        self._arguments = (video, flow, recipe, device, copy_seconds)
        self._on_field = on_field
        self._stop = threading.Event()
        self._reports: deque[tuple[float, Progress]] = deque(maxlen=_RECENT)
        self._ended = ""
        self._error = ""
        self.result: FitResult | None = None
        self._thread = threading.Thread(target=self._run, name="fit", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the fit after the step that it is at; the last copy of the field stays."""
        self._stop.set()

    def join(self, timeout: float) -> bool:
        """Wait for the end; whether it has come."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def state(self) -> dict[str, Any]:
        """How far it is, as JSON values.

        ``phase`` is preparing, fitting, stopping, done, stopped or failed.
        """
        reports = list(self._reports)
        last = reports[-1][1] if reports else None
        phase = self._ended or (
            "stopping" if self._stop.is_set() else "fitting" if last is not None else "preparing"
        )
        values: dict[str, Any] = {"phase": phase, "error": self._error, "stage": "", "step": 0, "steps": 0}
        if last is not None:
            rate = _rate(reports)
            left = (last.steps - last.step) / rate if rate else None
            values |= {
                "stage": last.stage,
                "step": last.step,
                "steps": last.steps,
                "psnr": round(last.psnr, 2),
                "rate": rate and round(rate, 2),
                "seconds_left": left and round(left, 1),
            }
        return values

    def _run(self) -> None:
        video, flow, recipe, device, copy_seconds = self._arguments
        try:
            self.result = fit(
                video,
                flow(),
                recipe,
                device=device,
                on_progress=self._report,
                on_checkpoint=lambda so_far: self._on_field(copy_of(so_far.field)),
                checkpoint_seconds=copy_seconds,
            )
        except _Stopped:
            self._ended = "stopped"
        except TweenfieldError as error:
            self._error, self._ended = str(error), "failed"
        except MemoryError:
            self._error = "not enough memory for this fit; choose a smaller --size or fewer --frames"
            self._ended = "failed"
        except Exception as error:  # in a thread nobody would hear of it
            self._error, self._ended = f"the fit failed: {type(error).__name__}: {error}", "failed"
        else:
            self._on_field(self.result.field)
            self._ended = "done"

    def _report(self, progress: Progress) -> None:
        if self._reports and self._reports[-1][1].stage != progress.stage:
            self._reports.clear()
        self._reports.append((time.monotonic(), progress))
        if self._stop.is_set() and progress.step < progress.steps:
            raise _Stopped


@torch.no_grad()
def copy_of(field: Field) -> Field:
    """A field that stays as it is while the fit of ``field`` goes on. What they observed is shared."""
    twin = field.config.build(field.grid, seed=0)
    twin.load_state_dict(field.state_dict())
    twin.restore(field.observations())
    return twin.to(next(field.parameters()).device)


def _rate(reports: list[tuple[float, Progress]]) -> float | None:
    """Steps a second over the last reports, once there are two."""
    (began, first), (now, last) = reports[0], reports[-1]
    return (last.step - first.step) / (now - began) if now > began else None

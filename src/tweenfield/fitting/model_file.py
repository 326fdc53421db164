"""``.tween`` files: safetensors whose header carries, as JSON, all that is needed to draw again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open

from tweenfield.errors import ModelFileError, UsageError
from tweenfield.fields.base import Field, Grid
from tweenfield.fitting.model_header import recipe_of, record_of, source_of
from tweenfield.fitting.recipe import Recipe
from tweenfield.fitting.result import Checkpoint, FitResult
from tweenfield.storage.atomic import atomic_output
from tweenfield.storage.on_demand import OnDemand
from tweenfield.storage.tensor_file import check_finite, read_safetensors, write_safetensors
from tweenfield.video.hdr import as_json

VERSION = 1
_HEADER = "tweenfield"
# Names of what the field observed; large, so it is read when needed.
_OBSERVED = "observed."
# All that reading a header with wrong values raises, of whatever kind they are.
_WRONG = (
    *(SafetensorError, UsageError, LookupError, ArithmeticError),
    *(ValueError, AttributeError, TypeError, RuntimeError),
)
T = TypeVar("T")


def save(result: FitResult, path: str | Path, *, observations: bool = True) -> None:
    """Write a fit, finished or not, to ``path``; what was there stays until the new file is complete.

    Args:
        result: the fit.
        path: a name ending in .tween.
        observations: whether to write what the field observed, such as frames. Without, it draws only after
            ``resumed`` or ``fit(resume=...)`` gave it the same video.

    Raises:
        OutputError: the file can't be written.
    """
    tensors = _over("field.", result.field.state_dict()) | _over("learnt.", result.learnt.state_dict())
    if result.checkpoint is not None:
        tensors |= _over("optimizer.", result.checkpoint.optimizer)
        if result.checkpoint.teacher is not None:
            tensors |= _over("teacher.", result.checkpoint.teacher.state_dict())
    arrays = {name: value.numpy(force=True) for name, value in tensors.items()}
    if observations:
        arrays |= _over(_OBSERVED, result.field.observations())
    content = header(result) | {"observations": observations}
    with atomic_output(path) as temporary, temporary.open("wb") as file:
        write_safetensors(file, arrays, {_HEADER: json.dumps(content)})


def header(result: FitResult) -> dict[str, Any]:
    """All of a fit but its tensors, as plain JSON values; times and rates are "numerator/denominator"."""
    source, recipe = result.source, result.recipe
    return {
        "version": VERSION,
        "source": {
            **dataclasses.asdict(source),
            "times": [str(time) for time in source.times],
            "rate": str(source.rate),
            "sample_aspect_ratio": str(source.sample_aspect_ratio),
            "hdr": as_json(source.hdr),
            "lasts": None if source.lasts is None else str(source.lasts),
        },
        "recipe": recipe.settings,
        "flow": result.flow,
        "step": result.step,
        "steps": result.steps,
        "seconds": result.seconds,
        "history": [dataclasses.asdict(progress) for progress in result.history],
    }


def load(path: str | Path) -> FitResult:
    """Read a fit back, on the CPU.

    Raises:
        ModelFileError: the file is missing, truncated, not a tweenfield model, from a newer version, or holds
            NaN or infinite values; for those of observed frames and flow, when they are read.
    """
    path = Path(path)
    if path.exists() and not path.is_dir() and not path.is_file():
        raise ModelFileError(f"{path}: this is no file but a device or a pipe; give a model file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if _HEADER not in metadata:
                raise ModelFileError(
                    f"{path}: this is not a tweenfield model; give a file that 'tweenfield fit' wrote"
                )
            content = json.loads(metadata[_HEADER])
            if content["version"] > VERSION:
                raise ModelFileError(
                    f"{path}: the model has format {content['version']}, but this tweenfield reads up to "
                    f"{VERSION}; install a newer tweenfield"
                )
            names = [name for name in file.keys() if not name.startswith(_OBSERVED)]  # noqa: SIM118
            tensors = {name: file.get_tensor(name) for name in names}
        for name, tensor in tensors.items():
            check_finite(tensor.numpy(), name, path)
        return _result(content, tensors, _under(_OBSERVED, read_safetensors(path)))
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: there is no such file; check the name") from error
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror or error}; give a readable model file") from error
    except _WRONG as error:
        raise ModelFileError(
            f"{path}: this is not a tweenfield model, or only a part of one; fit again or fetch a whole copy"
        ) from error


def _result(
    content: dict[str, Any], tensors: dict[str, torch.Tensor], observed: dict[str, OnDemand]
) -> FitResult:
    source, recipe = source_of(content["source"]), recipe_of(content["recipe"])
    height, width = source.size
    grid = Grid(frames=len(source.times), height=height, width=width, depth=source.depth, matte=source.matte)
    field = recipe.field.build(grid, recipe.fit.seed)
    field.load_state_dict(_under("field.", tensors))
    if content["observations"]:
        field.restore(observed)
    learnt = recipe.objective.learnt(grid)
    learnt.load_state_dict(_under("learnt.", tensors))
    return FitResult(
        field=field,
        source=source,
        recipe=recipe,
        **record_of(content),
        learnt=learnt,
        checkpoint=_checkpoint(recipe, grid, tensors),
    )


def _checkpoint(recipe: Recipe, grid: Grid, tensors: dict[str, torch.Tensor]) -> Checkpoint | None:
    optimizer, fitted = _under("optimizer.", tensors), _under("teacher.", tensors)
    teacher: Field | None = None
    if fitted and recipe.teacher is not None:
        teacher = recipe.teacher.field.build(grid, recipe.teacher.fit.seed)
        teacher.load_state_dict(fitted)
    return Checkpoint(optimizer=optimizer, teacher=teacher) if optimizer else None


def _over(prefix: str, values: dict[str, T]) -> dict[str, T]:
    return {prefix + name: value for name, value in values.items()}


def _under(prefix: str, values: dict[str, T]) -> dict[str, T]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}

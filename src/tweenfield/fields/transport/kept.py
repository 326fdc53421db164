"""What was computed last, kept while it is of use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, final

import torch

T = TypeVar("T")


@final
class Kept:
    """The last few values of each kind; ``most`` says how many."""

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._values: dict[str, OrderedDict[tuple[object, ...], Any]] = {kind: OrderedDict() for kind in most}

    def clear(self) -> None:
        """Forget everything."""
        for values in self._values.values():
            values.clear()

    def __call__(self, kind: str, key: tuple[object, ...], compute: Callable[[], T]) -> T:
        """What ``compute`` returns, or returned for the same key."""
        kept = self._values[kind]
        if key not in kept:
            while len(kept) >= self._most[kind]:
                kept.popitem(last=False)
            # Not in inference mode, whose tensors could not be used in a later fit.
            with torch.inference_mode(False), torch.no_grad():
                kept[key] = compute()
        kept.move_to_end(key)
        value: T = kept[key]
        return value

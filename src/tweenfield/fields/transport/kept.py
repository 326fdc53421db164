"""What was computed last, kept while it is of use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar, final

import torch

T = TypeVar("T")


@final
class Kept:
    """The last few values of each kind; ``most`` says how many. Of threads that ask for the same value, one
    computes it.
    """

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._values: dict[str, OrderedDict[tuple[object, ...], Future[Any]]] = {
            kind: OrderedDict() for kind in most
        }
        self._lock = Lock()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for values in self._values.values():
                values.clear()

    def __call__(self, kind: str, key: tuple[object, ...], compute: Callable[[], T]) -> T:
        """What ``compute`` returns, or returned for the same key."""
        kept = self._values[kind]
        with self._lock:
            value, known = kept.get(key) or Future(), key in kept
            kept[key] = value
            kept.move_to_end(key)
            while len(kept) > self._most[kind]:
                kept.popitem(last=False)
        if not known:
            try:
                # Not in inference mode, whose tensors could not be used in a later fit.
                with torch.inference_mode(False), torch.no_grad():
                    value.set_result(compute())
            except BaseException as error:
                with self._lock:
                    kept.pop(key, None)
                value.set_exception(error)
        result: T = value.result()
        return result

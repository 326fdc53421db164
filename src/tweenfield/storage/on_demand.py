"""Arrays whose rows are made when asked for: frames and flow of clips of any length in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, RLock
from typing import Any, TypeAlias, final

import numpy as np

# The rows used last are kept, up to so many bytes but at least so many rows: 12 intervals surround a hidden
# frame when three of four are hidden.
KEPT_BYTES = 80 << 20
KEPT_ROWS = 12


def rows_kept(row_bytes: int, least: int = KEPT_ROWS) -> int:
    """How many rows of so many bytes are kept."""
    return max(KEPT_BYTES // max(row_bytes, 1), least)


@final
class OnDemand:
    """An array that computes its rows, the entries along its first axis, when they are indexed.

    To be read like a NumPy array: a number gives a row, which must not be written to; a slice or a sequence
    of numbers gives an array of rows, and ``np.asarray`` all of it. Iterating holds one row at a time.
    Several threads may read. Rows are made one at a time; a row that is kept is had without waiting. Pickled,
    it is what makes the rows, without any.

    Args:
        make: a function that returns row k.
        shape: of the whole array.
        dtype: of its entries.
        keep: whether to keep rows for later use; False if ``make`` merely looks them up.
        least: how many rows are kept however large they are.
        has: whether ``make`` has a row at hand; none, if not given.
    """

    def __init__(
        self,
        make: Callable[[int], np.ndarray],
        shape: Sequence[int],
        dtype: Any,
        *,
        keep: bool = True,
        least: int = KEPT_ROWS,
        has: Callable[[int], bool] = lambda k: False,
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._make, self._has = make, has
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._most = rows_kept(math.prod(self.shape[1:]) * self.dtype.itemsize, least) if keep else 0
        self._making, self._lock = RLock(), Lock()

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"OnDemand(shape={self.shape}, dtype={self.dtype})"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_kept": OrderedDict(), "_making": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _making=RLock(), _lock=Lock())

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[k] for k in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def __getitem__(self, key: Any) -> np.ndarray:
        first, *rest = key if isinstance(key, tuple) else (key,)
        chosen = np.arange(len(self))[first]
        if chosen.ndim == 0:
            return np.asarray(self._row(int(chosen))[tuple(rest)])
        result = None
        for place, k in enumerate(chosen):
            row = self._row(int(k))[tuple(rest)]
            if result is None:
                result = np.empty((len(chosen), *row.shape), self.dtype)
            result[place] = row
        return np.empty((0, *self.shape[1:]), self.dtype) if result is None else result

    @property
    def keeps_all(self) -> bool:
        """Whether all rows are kept once they are made."""
        return len(self) <= self._most

    def has(self, k: int) -> bool:
        """Whether row k is at hand, or still to be made."""
        return k in self._kept or self._has(k)

    def select(self, chosen: Sequence[int]) -> OnDemand:
        """The rows of these numbers, still on demand."""
        chosen = list(chosen)
        return OnDemand(lambda k: self[chosen[k]], (len(chosen), *self.shape[1:]), self.dtype, keep=False)

    def put(self, k: int, row: np.ndarray) -> None:
        """Keep a row that was made already."""
        row.flags.writeable = False
        with self._lock:
            self._kept[k] = row
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def _row(self, k: int) -> np.ndarray:
        if not self._most:
            return self._make(k)
        row = self._at_hand(k)
        if row is None:
            with self._making:
                row = self._at_hand(k)
                if row is None:
                    row = self._make(k)
                    self.put(k, row)
        return row

    def _at_hand(self, k: int) -> np.ndarray | None:
        with self._lock:
            if k in self._kept:
                self._kept.move_to_end(k)
            return self._kept.get(k)


@final
class Ahead:
    """Rows on demand, of which the next one is made in a thread once two in a row were asked for. If all rows
    are kept, so are the others after it, and then those from the first one on.
    """

    def __init__(self, rows: OnDemand) -> None:
        self._rows = rows
        self._thread = ThreadPoolExecutor(1, "ahead")
        self._last: int | None = None

    def __getitem__(self, k: int) -> np.ndarray:
        row = self._rows[k]
        if self._last is not None and k == self._last + 1 < len(self._rows) - 1:
            self._thread.submit(self._make, k + 1)
        self._last = k
        return row

    def _make(self, k: int) -> None:
        self._rows[k]
        if self._rows.keeps_all:
            count = len(self._rows)
            missing = (i for i in (*range(k + 1, count), *range(k)) if not self._rows.has(i))
            following = next(missing, None)
            if following is not None:
                # One at a time, so that a program that ends waits for no more than one.
                self._thread.submit(self._make, following)


# Frames, flow and other arrays by time: in memory, or made row by row.
Rows: TypeAlias = np.ndarray | OnDemand

"""Runs of samples that were read as columns, put back among those that were read one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.http.uniform import marked_run


@dataclass(frozen=True, slots=True)
class Taken:
    """The part of the columns that belongs to one list, which has ``others`` (places) as well.

    ``own`` tells for each place of the list whether it is one of the columns' samples.
    """

    times: np.ndarray
    values: np.ndarray
    others: list[int]
    own: np.ndarray

    def insert(self, column: np.ndarray, others: np.ndarray) -> np.ndarray:
        """One column of the whole list."""
        whole: np.ndarray = np.empty(len(self.own), column.dtype)
        whole[self.own] = column
        whole[~self.own] = others
        return whole

    def insert_times(self, others: np.ndarray) -> np.ndarray:
        """The time stamps of the whole list."""
        return self.insert(self.times, others)

    def insert_values(self, others: pa.Array) -> pa.Array:
        """The values of the whole list; those of the others may be null."""
        whole = self.insert(self.values, np.asarray(others.fill_null(0.0)))
        if not others.null_count:
            return pa.array(whole)
        missing = self.insert(np.zeros(len(self.values), bool), np.asarray(others.is_null()))
        return pa.array(whole, mask=missing)

    def insert_texts(self, others: pa.Array | None) -> pa.Array | None:
        """The texts of the whole list; the columns' samples have none."""
        if others is None:
            return None
        which = self.insert(np.full(len(self.times), -1), np.arange(len(others)))
        return others.take(pa.array(which, mask=which < 0))


class Runs:
    """The columns of a document, given out list by list."""

    def __init__(self, times: np.ndarray, values: np.ndarray, lengths: Sequence[int]) -> None:
        self._times, self._values = times, values
        self._ends = np.cumsum(lengths).tolist()
        self._run = self._done = 0

    @property
    def all_taken(self) -> bool:
        """Whether every run was in one of the lists."""
        return self._run == len(self._ends)

    def take(self, stamps: Sequence[str]) -> Taken | None:
        """What the marks among the ``stamps`` of a list stand for; None where there is none.

        Raises ValueError for a mark that is not the next one.
        """
        start = self._done
        others: list[int] = []
        before: list[int] = []
        for place, stamp in enumerate(stamps):
            run = marked_run(stamp)
            if run is None:
                before.append(self._done - start + len(others))
                others.append(place)
            elif run == self._run < len(self._ends):
                self._done = self._ends[run]
                self._run += 1
            else:
                raise ValueError("a time stamp looks like a mark")
        if start == self._done:
            return None
        part = slice(start, self._done)
        own = np.ones(self._done - start + len(others), bool)
        own[before] = False
        return Taken(self._times[part], self._values[part], others, own)

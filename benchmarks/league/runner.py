"""Run a suite: every run that the table does not have yet, on an executor, each row kept at once.

The local executor is a pool of threads, each of which waits for the one process of its run: a
strategy that dies takes nobody along. Other executors with the same face do as well; Dask's is
asked for by an address.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.league.code import code_of
from benchmarks.league.match import play
from benchmarks.league.rows import Key, Row, Table
from benchmarks.league.suites import Suite


@dataclass
class Progress:
    """How far a run is.

    Attributes
    ----------
    total, done : runs of the suite, and those with a row.
    took : wall-clock seconds of each run of this session, by strategy, as a share of its limit.
    """

    total: int
    done: int
    parallel: int
    waiting: list[Key]
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def seconds_left(self) -> float | None:
        """By what the same strategies took so far; ``None`` before anything is known of any."""
        if not self.took:
            return None
        every = [share for shares in self.took.values() for share in shares]
        usual = statistics.fmean(every)
        left = 0.0
        for key in self.waiting:
            own = self.took.get(key.strategy)
            left += key.seconds * (statistics.fmean(own) if own else usual)
        return left / self.parallel


Heard = Callable[[Row, Progress], None]


def run(
    suite: Suite, table: Table, executor: Executor, parallel: int, heard: Heard | None = None
) -> Progress:
    """Run what the table lacks; a row is on disk before ``heard`` is told of it.

    Parameters
    ----------
    parallel : runs that are given to the executor at a time.
    """
    waiting = [key for key in suite.keys if key not in table]
    progress = Progress(len(suite.keys), len(suite.keys) - len(waiting), parallel, waiting)
    going: dict[Future[Row], tuple[Key, float]] = {}

    def ended_with(future: Future[Row], key: Key, began: float) -> None:
        row = future.result()
        table.append(row)
        progress.done += 1
        progress.took[key.strategy].append((time.monotonic() - began) / key.seconds)
        if heard is not None:
            heard(row, progress)

    try:
        while waiting or going:
            while waiting and len(going) < parallel:
                key = waiting.pop(0)
                going[executor.submit(play_same_code, key)] = (key, time.monotonic())
            ended, _ = wait(going, return_when=FIRST_COMPLETED)
            for future in ended:
                ended_with(future, *going.pop(future))
    except KeyboardInterrupt:
        # What runs is waited for, and kept; a second Ctrl-C gives it up.
        for future in [one for one in going if not one.cancel()]:
            ended_with(future, *going[future])
        raise
    finally:
        for future in going:
            future.cancel()
    return progress


def play_same_code(key: Key) -> Row:
    """``play``, where this machine's code is the one that the key names.

    Raises
    ------
    RuntimeError
        If it is not: rows of different code must not have one key.
    """
    here = code_of(key.strategy)
    if here != key.code:
        raise RuntimeError(f"a worker has the code {here} where {key.code} is wanted")
    return play(key)


@contextmanager
def local_executor(workers: int) -> Iterator[Executor]:
    """So many runs at a time on this machine."""
    executor = ThreadPoolExecutor(workers, thread_name_prefix="league")
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def cluster_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """A Dask cluster's executor, and how many runs it takes at a time.

    Raises
    ------
    ModuleNotFoundError
        Without the extra ``cluster``.
    OSError
        If no scheduler answers there.
    ValueError
        If the address is none.
    """
    from distributed import Client
    from distributed.comm import get_address_host_port

    try:
        get_address_host_port(address)
    except ValueError as error:
        # A client that fails on it would leave threads behind, and the process wait for them.
        raise ValueError(f"{address} is no address of a scheduler: {error}") from None
    with Client(address, timeout="10s", set_as_default=False) as client:
        threads = sum(client.nthreads().values())
        # A worker that dies takes its runs along; they are given to another one. Rows are the
        # same whoever makes them, so a run made twice costs only its time.
        with client.get_executor(pure=False, retries=3) as executor:
            yield executor, max(1, threads)

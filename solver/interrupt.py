"""Ctrl-C while a solve runs: it ends with what it has."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from solver.context import SolveContext


@contextmanager
def ctrl_c(context: SolveContext) -> Iterator[None]:
    """The first Ctrl-C asks the solve to end with its best answer; a second one insists."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(_signal: int, _frame: Any) -> None:
        if context.stop_reason == "interrupt":
            raise KeyboardInterrupt
        context.interrupt()

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)

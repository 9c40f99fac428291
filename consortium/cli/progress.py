"""A live line on stderr while a solve runs; silent where stderr is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from consortium.wording import usd
from solver import Event


class Progress:
    """Shows seconds, incumbent, bound, gap and phase; keeps every event for the log.

    Attributes
    ----------
    log : one record an event, for the sidecar log.
    """

    def __init__(self) -> None:
        self.log: list[dict[str, object]] = []
        self._began = time.monotonic()
        self._last: Event | None = None
        self._live: Live | None = None
        if sys.stderr.isatty():
            console = Console(stderr=True)
            self._live = Live(
                get_renderable=self._line, console=console, transient=True, refresh_per_second=4
            )

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def observe(self, event: Event) -> None:
        """Observer for ``solve``: never stops it."""
        self._last = event
        self.log.append(
            {
                "kind": event.kind.value,
                "seconds": round(event.seconds, 3),
                "work": event.work,
                "objective_cents": event.objective,
                "bound_cents": event.bound,
                "phase": event.phase,
            }
        )

    def _line(self) -> Text:
        seconds = time.monotonic() - self._began
        parts = [f"{seconds:6.1f} s"]
        event = self._last
        if event is not None:
            if event.objective is not None:
                parts.append(f"best {usd(event.objective)}")
            if event.bound is not None:
                parts.append(f"at most {usd(event.bound)}")
            if event.objective is not None and event.bound is not None:
                scale = max(abs(event.objective), abs(event.bound), 1)
                parts.append(f"gap {(event.bound - event.objective) / scale:.2%}")
            parts.append(event.phase)
        else:
            parts.append("reading the graph of compatible firms")
        return Text(" · ".join(parts), no_wrap=True, overflow="ellipsis")

"""The command line. Heavy imports happen inside commands, so ``--help`` answers at once."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``consortium`` command."""
    from consortium.cli.app import run

    run()

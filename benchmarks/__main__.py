"""``python -m benchmarks``: the league of grouping strategies."""

from benchmarks.league.cli import app

if __name__ == "__main__":
    app()

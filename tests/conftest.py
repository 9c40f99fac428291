"""Options and settings shared by the whole suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,  # the same examples on every machine; fresh seeds are the slow tests' job
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("fresh", parent=settings.get_profile("default"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runslow", action="store_true", help="run the slow tests too")
    parser.addoption(
        "--fresh-seed",
        type=int,
        default=int.from_bytes(os.urandom(4), "big"),
        help="seed of the problems nobody has seen before (another one in every run)",
    )


def pytest_report_header(config: pytest.Config) -> str:
    return f"fresh seed: {config.getoption('--fresh-seed')}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    # A quiet run prints no header.
    terminalreporter.write_line(f"repeat with --fresh-seed={config.getoption('--fresh-seed')}")


@pytest.fixture
def fresh_seed(request: pytest.FixtureRequest) -> int:
    """A seed that no earlier run has used, unless ``--fresh-seed`` names one."""
    return int(request.config.getoption("--fresh-seed"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--runslow"):
        return
    skip = pytest.mark.skip(reason="slow: run with --runslow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)

"""Cases the tests share: sample registers for South Africa, with and without rules."""

from __future__ import annotations

from functools import cache

from consortium.case import Case, make_case
from consortium.market_files import find_market
from consortium.programme import Programme
from consortium.rules import Rules
from consortium.sample import sample_register


@cache
def sample_case(firms: int = 60, seed: int = 1) -> Case:
    """A sample register for South Africa under the default programme."""
    return make_case(sample_register("surgical-sialkot", firms, seed), [find_market("ZAF")])


def case_with(
    rules: Rules | None = None, programme: Programme | None = None, firms: int = 60, seed: int = 1
) -> Case:
    """A sample case under rules or a programme of one's own."""
    register = sample_register("surgical-sialkot", firms, seed)
    return make_case(register, [find_market("ZAF")], programme, rules)

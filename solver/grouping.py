"""Group and Grouping: plain, hashable, canonical answers.

Two groupings that mean the same compare equal and print the same, so answers can be compared
byte for byte across processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import index as as_index


@dataclass(frozen=True, slots=True, order=False)
class Group:
    """Some items grouped under one kind.

    Attributes
    ----------
    kind : index of the kind, 0..K-1.
    members : item indices; kept sorted. Duplicates are kept, so that ``verify`` can report them.
    """

    kind: int
    members: tuple[int, ...]

    def __init__(self, kind: int, members: Iterable[int]) -> None:
        object.__setattr__(self, "kind", as_index(kind))
        object.__setattr__(self, "members", tuple(sorted(as_index(i) for i in members)))

    @property
    def sort_key(self) -> tuple[tuple[int, ...], int]:
        """Order of groups in a grouping: by members, then by kind."""
        return (self.members, self.kind)


@dataclass(frozen=True, slots=True)
class Grouping:
    """A set of groups in canonical order; items in no group stay out."""

    groups: tuple[Group, ...]

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        ordered = tuple(sorted(groups, key=lambda group: group.sort_key))
        object.__setattr__(self, "groups", ordered)

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def items(self) -> tuple[int, ...]:
        """All grouped items, ascending."""
        return tuple(sorted(i for group in self.groups for i in group.members))

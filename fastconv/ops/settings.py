"""A count of changes of settings: who keeps what was made under some looks whether it has moved."""

from __future__ import annotations

from itertools import count

_numbers = count(1)


class Changes:
    """The count, in the attribute `count`; a number never comes back."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        """Count a change that was made."""
        self.count = next(_numbers)


#: Of the precision, in whatever thread, and of where the choice of algorithms comes from.
changes = Changes()

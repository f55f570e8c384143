"""Whether something has changed since one last looked, for one comparison instead of a walk."""

from __future__ import annotations


class Changes:
    """Keep `seen`, and compare it by identity later: another object means that there were changes.

    Look at `seen` before looking at what it stands for, and call `mark` after changing that; then
    threads need no lock.
    """

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen = object()

    def mark(self) -> None:
        """Tells everybody that something has changed."""
        self.seen = object()


structure = Changes()  # the parts of any layer, what is trainable, or how any model is compiled
numbers = Changes()  # what compiled steps have built in of any optimizer; `structure` marks it too
layouts = Changes()  # where the bytes of any variable are

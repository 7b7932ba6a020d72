"""Where a fit stands, so that a callback can save it and a later process go on from there."""

from __future__ import annotations

from typing import Any

from kerasish.training.feeds import Feed


class Position:
    """The epoch and the steps of it that are done, and the state of the feed as it began.

    Args:
        feed: what training takes its steps from.
        epochs: the epochs to go through.

    Attributes:
        epoch: the number of the current epoch, from 0.
        done: how many of its steps were done before this process began.
        logs: the values after these, which are the epoch's if no steps are left.
    """

    def __init__(self, feed: Feed, epochs: range):
        self._feed, self._span = feed, epochs
        self.epoch, self.done = epochs.start, 0
        self.logs: dict[str, Any] = {}
        self._start: Any = None

    @property
    def epochs(self) -> range:
        """The epochs that are left."""
        return range(self.epoch, self._span.stop)

    def begin(self, epoch: int) -> int:
        """Notes the begin of an epoch. Returns how many of its steps were done already."""
        if epoch != self.epoch:
            self.epoch, self.done, self.logs = epoch, 0, {}
        self._start = self._feed.state()
        return self.done

    def inside(self, done: int) -> dict[str, Any]:
        """The position after so many steps of the epoch, as plain data."""
        return {"epoch": self.epoch, "done": done, "feed": self._start}

    def after(self) -> dict[str, Any]:
        """The position at the end of the epoch, as plain data."""
        return {"epoch": self.epoch + 1, "done": 0, "feed": self._feed.state()}

    def restore(self, position: dict[str, Any], logs: dict[str, Any], ended: bool) -> None:
        """Goes to a position, which may be another process's; `ended`: no epoch is left."""
        self.epoch, self.done, self.logs = position["epoch"], position["done"], logs
        if ended:
            self._span = range(self.epoch)
        self._feed.restore(position["feed"], self.done)

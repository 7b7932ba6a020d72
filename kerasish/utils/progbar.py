"""A progress bar on one line, which never wraps and never litters a log file."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO

import numpy as np

from kerasish.config import is_interactive_logging_enabled

_now = time.perf_counter

# ANSI attributes of the parts of a line.
_STYLES = {"plain": "", "dim": "2", "running": "36", "done": "32", "cut": "33", "bad": "1;31"}

# What is given up, step by step, until a line fits: (share of the bar's width, parts beside it).
_LAYOUTS = (
    (1.0, ("count", "elapsed", "time", "rate")),
    (0.5, ("count", "elapsed", "time", "rate")),
    (0.5, ("count", "time", "rate")),
    (0.5, ("time", "rate")),
    (0.25, ("time", "rate")),
    (0.25, ("time",)),
    (0.0, ("time",)),
    (0.0, ()),
)

_NOTEBOOK_COLUMNS = 120

Piece = tuple[str, str]  # text, style


class Progbar:
    """Shows progress, speed and values.

    With `verbose=1` on a terminal or in a notebook: a live line with bar, count, elapsed and
    remaining time, time per step and values; a finished bar stays. Elsewhere (pipe, log file,
    `TERM=dumb`), with `verbose=2` and after `config.disable_interactive_logging`: one plain line at
    the end. `NO_COLOR` is respected.

    Args:
        target: number of steps expected; None if unknown.
        width: width of the bar in characters; narrow terminals get a shorter one.
        verbose: 0 nothing, 1 a live line where possible, 2 one plain line at the end.
        interval: least time in seconds between two redraws.
        stateful_metrics: names of values that are shown as they are; others are averaged.
        stateless_metrics: names of values that are averaged; others are shown as they are.
        unit_name: what is counted.

    Attributes:
        title: text at the line's start, such as `Epoch 1/5`.
        seen: steps so far.
        widths: dict from a value's name to the widest it was; bars that share it line up.

    Raises:
        ValueError: if both `stateful_metrics` and `stateless_metrics` are given.

    Example:

        >>> bar = Progbar(3, verbose=2)
        >>> bar.title = "Epoch 1/1"
        >>> for step in range(3):
        ...     bar.update(step + 1, [("loss", 0.5)])  # doctest: +ELLIPSIS
        Epoch 1/1 - 3/3 - ... - loss: 0.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: give stateful_metrics or stateless_metrics, not both")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self.title = ""
        self.seen = 0
        self.widths: dict[str, int] = {}
        self._screen = Screen(sys.stdout)
        self._live = verbose == 1 and self._screen.live and is_interactive_logging_enabled()
        self._note = ""
        self._values: dict[str, tuple[Any, float]] = {}  # total and weight
        self._start = _now()
        self._first: tuple[int, float] | None = None  # steps and time at the first report
        self._last: tuple[int, float] | None = None  # ... and at the latest one
        self._drawn_at = -math.inf
        self._finalized = False

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Reports that `current` steps are done, one or many since the last report.

        Args:
            current: steps done in all.
            values: pairs of name and value. A value that is averaged counts for all the steps
                since the last report.
            finalize: whether this is the end; by default when `current` reaches the target.
        """
        now = _now()
        for name, value in values or ():
            self._take(name, value, current - self.seen)
        if current > self.seen:
            self._last = (current, now)
            self._first = self._first or self._last
            self._note = ""
        self.seen = current
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if self.verbose:
            self._show(now, finalize)

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Reports `n` more steps."""
        self.update(self.seen + n, values)

    def note(self, text: str) -> None:
        """Shows `text` in place of the remaining time until the next step."""
        self._note = text
        if self._live and not self._finalized:
            self._draw(_now())

    def _take(self, name: str, value: Any, steps: int) -> None:
        if self.stateless_metrics is None:
            averaged = name not in self.stateful_metrics
        else:
            averaged = name in self.stateless_metrics
        if not averaged:
            self._values[name] = (value, 1.0)
            return
        weight = max(steps, 1)
        total, weights = self._values.get(name, (0.0, 0.0))
        self._values[name] = (total + value * weight, weights + weight)

    def _show(self, now: float, finalize: bool) -> None:
        if self._live and (finalize or now - self._drawn_at >= self.interval):
            self._finalized = finalize
            self._draw(now)
            if finalize:
                self._screen.end(self)
        elif finalize and not self._live:
            self._screen.print(self._plain_line(now))

    def _draw(self, now: float) -> None:
        self._drawn_at = now
        self._screen.draw(self, self._line(now))

    # ---- what the line says ----

    def _seconds_per_step(self) -> float | None:
        if self._last is None or self._first is None:
            return None
        steps, at = self._last
        first_steps, first_at = self._first
        # The first report carries the compilation: left out as soon as there is another.
        if steps > first_steps:
            return (at - first_at) / (steps - first_steps)
        return (at - self._start) / steps

    def _means(self) -> dict[str, Any]:
        return {name: total / weight for name, (total, weight) in self._values.items()}

    def _plain_line(self, now: float) -> str:
        parts = [self.title] if self.title else []
        parts.append(f"{self.seen}/{self.target or self.seen}")
        parts.append(format_seconds(now - self._start))
        seconds = self._seconds_per_step()
        if seconds is not None:
            parts.append(f"{format_step_time(seconds)}/{self.unit_name}")
        parts += [f"{name}: {format_value(value)}" for name, value in self._means().items()]
        return " - ".join(parts)

    def _line(self, now: float) -> list[Piece]:
        """The live line's pieces, in the first layout that fits."""
        columns = self._screen.columns()
        parts = self._parts(now)
        for share, names in _LAYOUTS:
            fields = [[(self.title, "plain")]] if self.title else []
            bar = self._bar(int(self.width * share))
            fields += [bar] if bar else []
            fields += [[(parts[name], "dim")] for name in names if parts.get(name)]
            fields += self._metrics()
            line = _joined(fields)
            if sum(text_width(text) for text, _ in line) <= columns:
                return line
        return truncated(line, columns)

    def _parts(self, now: float) -> dict[str, str]:
        total = str(self.target) if self.target is not None else ""
        count = f"{self.seen:>{len(total)}}/{total}" if total else f"{self.seen} {self.unit_name}s"
        elapsed = format_seconds(now - self._start).rjust(5)
        seconds = self._seconds_per_step()
        rate = "" if seconds is None else f"{format_step_time(seconds):>5}/{self.unit_name}"
        if self._finalized:
            return {"count": count, "time": elapsed, "rate": rate}
        if self._note:
            left = self._note
        elif seconds is None:
            left = "starting".rjust(10)
        elif self.target is None:
            left = ""
        else:
            left = f"{format_seconds(seconds * max(self.target - self.seen, 0))} left".rjust(10)
        return {"count": count, "elapsed": elapsed, "time": left, "rate": rate}

    def _bar(self, width: int) -> list[Piece]:
        if self.target is None or width == 0:
            return []
        share = min(self.seen / self.target, 1.0) if self.target else 1.0
        halves = int(2 * width * share)
        full, half, rest, half_rest = self._screen.bar
        filled = full * (halves // 2) + half * (halves % 2)
        style = "running" if not self._finalized else "done" if share == 1.0 else "cut"
        # Behind a full cell half a cell stays blank, so that the boundary shows.
        empty = rest * (width - len(filled))
        if empty and halves % 2 == 0 and filled:
            empty = half_rest + empty[1:]
        return [(filled, style), (empty, "dim")]

    def _metrics(self) -> list[list[Piece]]:
        """One field per value; `val_x` stands behind `x` as `x 0.91 val 0.89`."""
        means = self._means()
        fields = []
        for name, value in means.items():
            if name.startswith("val_") and name[4:] in means:
                continue
            field = self._metric(name, name, value)
            if f"val_{name}" in means:
                field += [(" ", "plain"), *self._metric(f"val_{name}", "val", means[f"val_{name}"])]
            fields.append(field)
        return fields

    def _metric(self, name: str, label: str, value: Any) -> list[Piece]:
        text = format_value(value)
        self.widths[name] = max(self.widths.get(name, 0), len(text))
        style = "plain" if np.all(np.isfinite(value)) else "bad"
        return [(f"{label} ", "dim"), (text.ljust(self.widths[name]), style)]


class Screen:
    """The stream that a bar writes to, and what it can show.

    Attributes:
        live: whether a line can be redrawn.
        colour: whether it understands colours.
        bar: characters of the bar: full, half full, empty, empty behind a full one.
    """

    # The bar that stands on the current line, if any. One for all streams: they are usually one.
    owner: Progbar | None = None

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.notebook = type(stream).__module__.partition(".")[0] == "ipykernel"
        # Programs put objects with nothing but write and flush in the place of sys.stdout.
        isatty = getattr(stream, "isatty", lambda: False)
        terminal = isatty() and os.environ.get("TERM") != "dumb"
        self.live = self.notebook or terminal or "PYCHARM_HOSTED" in os.environ
        # Windows' old console shows escape codes as they are; its successors announce themselves.
        ansi = os.name != "nt" or any(name in os.environ for name in ("WT_SESSION", "TERM"))
        self.colour = self.live and ansi and not os.environ.get("NO_COLOR")
        self.bar = self._bar_characters()
        self._width = 0  # of what was drawn on the current line

    def _bar_characters(self) -> tuple[str, str, str, str]:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        try:
            "━╸╺".encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return "=", ">", ".", "."
        # Without colours, only its thinness tells the empty part.
        return ("━", "╸", "━", "╺") if self.colour else ("━", "╸", "─", "─")

    def columns(self) -> int:
        """Usable width: one less than there is, since some terminals wrap a full line."""
        if self.notebook:
            return _NOTEBOOK_COLUMNS
        try:
            columns = os.get_terminal_size(self.stream.fileno() if self.stream else -1).columns
        except (OSError, ValueError, AttributeError):  # no file behind it
            columns = 0
        return max((columns or shutil.get_terminal_size().columns) - 1, 1)

    def draw(self, bar: Progbar, pieces: list[Piece]) -> None:
        """Replaces the current line by `pieces`."""
        if Screen.owner is not None and Screen.owner is not bar:
            end_line()
        Screen.owner = bar
        width = sum(text_width(text) for text, _ in pieces)
        # Blanks wipe out the rest of a longer line everywhere, in notebooks too.
        blanks = " " * max(min(self._width, self.columns()) - width, 0)
        self._width = width
        self._write("\r" + "".join(self._styled(piece) for piece in pieces) + blanks)

    def end(self, bar: Progbar) -> None:
        """Leaves the current line as it is and goes to the next."""
        if Screen.owner is bar:
            Screen.owner = None
        self._width = 0
        self._write("\n")

    def wipe(self) -> None:
        """Empties the current line."""
        self._write("\r" + " " * min(self._width, self.columns()) + "\r")
        self._width = 0

    def print(self, line: str) -> None:
        """Writes one whole line."""
        self._write(line + "\n")

    def _styled(self, piece: Piece) -> str:
        text, style = piece
        code = _STYLES[style]
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text

    def _write(self, text: str) -> None:
        if self.stream is None:  # a program without a console
            return
        self.stream.write(text)
        self.stream.flush()


def say(text: str) -> None:
    """Prints a line; a live bar makes room for it and comes back with its next update."""
    bar = Screen.owner
    if bar is None:
        print(text)
        return
    bar._screen.wipe()
    print(text, flush=True)
    bar._drawn_at = -math.inf


def end_line() -> None:
    """Ends the line of an unfinished live bar, so that what follows starts on a line of its own."""
    if Screen.owner is not None:
        Screen.owner._screen.end(Screen.owner)


def format_value(value: Any) -> str:
    """Four significant digits: `0.9123`, `12.34`, `1.5e-5`; whole numbers as they are.

    >>> [format_value(v) for v in (0.91234, 12, 123.456, 0.001, 1e-5, 1234567.0)]
    ['0.9123', '12', '123.5', '0.001', '1e-5', '1.235e6']
    """
    array = np.asarray(value)
    if array.size != 1:
        shown = " ".join(format_value(item) for item in array.ravel()[:3])
        return f"[{shown}{' ...' if array.size > 3 else ''}]"
    number = array.reshape(()).item()
    if not isinstance(number, float):
        return str(number)
    if not math.isfinite(number):
        return str(number)
    if number == 0.0:
        return "0.0000"
    mantissa, exponent = f"{number:.3e}".split("e")
    power = int(exponent)
    if power < -3 or power > 4:
        return f"{mantissa.rstrip('0').rstrip('.')}e{power}"
    text = f"{number:.{max(3 - power, 0)}f}"
    # Small round numbers are mostly settings, such as a learning rate.
    return text.rstrip("0") if power < -1 else text


def format_seconds(seconds: float) -> str:
    """`0.4s`, `12s`, `3:05`, `1:03:05`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def format_step_time(seconds: float) -> str:
    """`350us`, `4.2ms`, `15ms`, `1.2s`."""
    # The limits are those of rounding, lest 999.9us become 1000us.
    if seconds < 9.995e-4:
        return f"{seconds * 1e6:.0f}us"
    number, unit = (seconds * 1e3, "ms") if seconds < 0.9995 else (seconds, "s")
    return f"{number:.{0 if number >= 9.95 else 1}f}{unit}"


def text_width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide


def truncated(pieces: list[Piece], columns: int) -> list[Piece]:
    """`pieces` cut to `columns`, with a mark where something is missing.

    Only the first piece is ever cut within: half a number reads like another number.
    """
    kept = list(pieces)
    while len(kept) > 1 and sum(text_width(text) for text, _ in kept) > columns - 2:
        kept.pop()
        while len(kept) > 1 and (kept[-1][0].isspace() or kept[-1][1] == "dim"):
            kept.pop()  # a label without its value
    text, style = kept[0]
    while text and sum(text_width(text) for text, _ in kept) > columns - 2:
        text = text[:-1]
        kept[0] = (text, style)
    return [*kept, (" >", "dim")]


def _joined(fields: list[list[Piece]]) -> list[Piece]:
    """All fields' pieces with two blanks between fields."""
    line: list[Piece] = []
    for field in fields:
        line += ([("  ", "plain")] if line else []) + field
    return line

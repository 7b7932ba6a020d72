"""The progress bar on streams of every kind, with a clock that the test turns."""

import contextlib
import io
import os
import re

import numpy as np
import pytest

from kerasish import callbacks as C
from kerasish.utils import progbar
from kerasish.utils.progbar import Progbar, format_seconds, format_step_time, format_value


class Terminal(io.StringIO):
    """A pseudo terminal; `screen()` is what a person sees."""

    encoding = "utf-8"

    def isatty(self):
        return True

    def screen(self):
        lines, row, column = [""], 0, 0
        for character in re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue()):
            if character == "\n":
                lines.append("")
                row, column = row + 1, 0
            elif character == "\r":
                column = 0
            else:
                lines[row] = (
                    lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
                )
                column += 1
        return [line.rstrip() for line in lines]


class AsciiTerminal(Terminal):
    encoding = "ascii"


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progbar, "_now", clock)
    return clock


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("NO_COLOR", "PYCHARM_HOSTED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    yield
    progbar.end_line()


@contextlib.contextmanager
def output(stream):
    with contextlib.redirect_stdout(stream):
        yield stream


def fit(clock, steps=400, epochs=1, chunk=50, verbose=1, after=None, val=True):
    """What `fit` reports: chunks of steps of 1 ms after a first one that compiles for 2 s."""
    hooks = C.CallbackList(after, add_progbar=True, verbose=verbose, epochs=epochs, steps=steps)
    hooks.on_train_begin()
    for epoch in range(epochs):
        hooks.on_epoch_begin(epoch)
        clock.now += 2.0
        hooks.on_train_batch_end(0, {"loss": 2.0})
        for first in range(1, steps or 400, chunk):
            last = min(first + chunk, steps or 400) - 1
            clock.now += 0.001 * (last + 1 - first)
            hooks.on_train_batch_end(last, {"loss": 1.0})
        hooks.on_test_begin()
        clock.now += 1.0
        hooks.on_test_batch_end(3, {"loss": 9.0})
        hooks.on_test_end({"loss": 9.0})
        hooks.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25} if val else {"loss": 0.5})
    hooks.on_train_end()


PLAIN = [
    "Epoch 1/2 - 400/400 - 3.4s - 1.0ms/step - loss: 0.5000 - val_loss: 0.2500",
    "Epoch 2/2 - 400/400 - 3.4s - 1.0ms/step - loss: 0.5000 - val_loss: 0.2500",
]


@pytest.mark.parametrize(
    ("stream", "verbose", "term"),
    [
        (io.StringIO(), 1, "xterm"),
        (io.StringIO(), 2, "xterm"),
        (io.StringIO(), "auto", "xterm"),
        (Terminal(), 2, "xterm"),
        (Terminal(), 1, "dumb"),
    ],
)
def test_plain_lines(stream, verbose, term, clock, monkeypatch):
    monkeypatch.setenv("TERM", term)
    with output(stream):
        fit(clock, epochs=2, verbose=verbose)
    assert stream.getvalue().splitlines() == PLAIN
    assert not re.search(r"[\r\x1b\b]", stream.getvalue())


def test_a_stream_that_can_only_write(clock):
    """What programs put in the place of sys.stdout to write a log as well."""

    class Both:
        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    with output(Both()) as stream:
        fit(clock, epochs=2)
    assert stream.text.splitlines() == PLAIN


def test_silent(clock):
    with output(Terminal()) as stream:
        fit(clock, verbose=0)
        Progbar(1, verbose=0).update(1)
    assert stream.getvalue() == ""


def test_live_line_ends_as_a_table(clock):
    with output(Terminal()) as stream:
        fit(clock, epochs=10)
    lines = stream.screen()
    bar = "━" * 20
    assert lines[0] == f"Epoch  1/10  {bar}  400/400   3.4s  1.0ms/step  loss 0.5000 val 0.2500"
    assert lines[9] == lines[0].replace(" 1/10", "10/10")
    assert lines[10:] == [""]


def test_live_line_on_the_way(clock):
    with output(Terminal()) as stream:
        bar = Progbar(100, stateless_metrics=())
        bar.title = "Epoch 1/1"
        bar.update(0)
        assert stream.screen()[0].endswith("0/100   0.0s    starting")
        clock.now += 5.0
        bar.update(1, [("loss", 3.0)])  # compiled: its time is no measure for the others
        clock.now += 0.5
        bar.update(51, [("loss", 2.0)])
        line = stream.screen()[0]
        assert line == (
            "Epoch 1/1  ━━━━━━━━━━╺━━━━━━━━━   51/100   5.5s   0.5s left   10ms/step  loss 2.000"
        )
        bar.note("validating")
        assert "  validating  " in stream.screen()[0]
    assert len(stream.screen()) == 1


@pytest.mark.parametrize(
    ("steps", "bar"),
    [(0, "─" * 10), (5, "╸" + "─" * 9), (10, "━" + "─" * 9), (100, "━" * 10), (200, "━" * 10)],
)
def test_bar_without_colours(steps, bar, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    with output(Terminal()) as stream:
        Progbar(100, width=10).update(steps)
    assert stream.screen()[0].startswith(bar + " ")
    assert "\x1b" not in stream.getvalue()


def test_bar_in_ascii():
    with output(AsciiTerminal()) as stream:
        Progbar(100, width=10).update(55)
    assert stream.screen()[0].startswith("=====>....  ")
    assert stream.getvalue().isascii()


@pytest.mark.parametrize("columns", [200, 100, 80, 60, 40, 20, 8])
def test_line_never_wraps(columns, clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    with output(Terminal()) as stream:
        fit(clock, epochs=3)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()))
    assert max(len(line) for line in lines) < columns
    assert len(stream.screen()) == 4


def test_narrow_line_drops_whole_values(monkeypatch):
    monkeypatch.setenv("COLUMNS", "32")
    with output(Terminal()) as stream:
        Progbar(1, stateless_metrics=()).update(1, [("loss", 0.5), ("accuracy", 0.25), ("f1", 0.1)])
    assert stream.screen()[0] == "loss 0.5000  accuracy 0.2500 >"


def test_shorter_line_leaves_no_rest(clock):
    with output(Terminal()) as stream:
        bar = Progbar(None, stateless_metrics=())
        bar.update(1, [("loss", 0.5), ("a_long_name", 0.5)])
        bar._values.pop("a_long_name")
        clock.now += 1
        bar.update(2)
    assert "a_long" not in stream.screen()[0]


def test_redraws_are_rare(clock):
    with output(Terminal()) as stream:
        bar = Progbar(1000, interval=0.1)
        for step in range(1, 1000):
            clock.now += 0.001
            bar.update(step)
    assert 8 <= stream.getvalue().count("\r") <= 11


def test_unknown_target_is_learnt(clock):
    with output(Terminal()) as stream:
        fit(clock, steps=None, epochs=2, val=False)
    first, second = stream.screen()[:2]
    assert first == "Epoch 1/2  400 steps   3.4s  1.0ms/step  loss 0.5000"
    assert second.startswith("Epoch 2/2  ━━━━")
    assert "400/400" in second


def test_averages_weigh_chunks():
    with output(io.StringIO()) as stream:
        bar = Progbar(10, stateful_metrics=["lr"])
        bar.update(1, [("loss", 1.0), ("lr", 1.0)])
        bar.add(9, [("loss", 2.0), ("lr", 0.5)])
    assert stream.getvalue().endswith("loss: 1.900 - lr: 0.5000\n")
    with pytest.raises(ValueError, match="not both"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])


def test_messages_and_prints_get_lines_of_their_own(clock):
    def say_inside(batch, logs):
        if batch == 50:
            progbar.say("half")

    talk = C.LambdaCallback(
        on_train_batch_end=say_inside, on_epoch_end=lambda epoch, logs: print("done", epoch)
    )
    with output(Terminal()) as stream:
        fit(clock, after=[talk])
    lines = stream.screen()
    assert lines[0] == "half"
    assert lines[1].startswith("Epoch 1/1  ━")
    assert lines[2:] == ["done 0", ""]


def test_interruption_and_second_bar_start_new_lines():
    with output(Terminal()) as stream:
        Progbar(10).update(1)
        Progbar(20).update(1)
        progbar.end_line()
        progbar.end_line()
        print("Traceback")
    lines = stream.screen()
    assert " 1/10 " in lines[0]
    assert " 1/20 " in lines[1]
    assert lines[2:] == ["Traceback", ""]


def test_evaluate_and_predict(clock):
    with output(io.StringIO()) as stream:
        hooks = C.CallbackList(add_progbar=True, verbose=1, steps=2)
        hooks.on_test_begin()
        clock.now += 0.5
        hooks.on_test_batch_end(1, {"loss": 1.0})
        hooks.on_test_end({"loss": 0.5})
        hooks.on_predict_begin()
        clock.now += 0.5
        hooks.on_predict_batch_end(1, {"outputs": np.ones(3)})
        hooks.on_predict_end()
    assert stream.getvalue().splitlines() == [
        "Evaluate - 2/2 - 0.5s - 250ms/step - loss: 0.5000",
        "Predict - 2/2 - 0.5s - 250ms/step",
    ]


def test_notebook_redraws_by_carriage_return(clock, monkeypatch):
    notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    monkeypatch.setenv("COLUMNS", "20")  # of the terminal that the server was started from
    with output(notebook()) as stream:
        fit(clock)
    assert stream.getvalue().count("\r") > 3
    assert stream.getvalue().count("\n") == 1
    assert "1.0ms/step" in stream.getvalue()


def test_real_terminal_width(monkeypatch):
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((50, 20)))
    with output(Terminal()) as stream:
        stream.fileno = lambda: 1
        assert progbar.Screen(stream).columns() == 49


VALUES = [
    (0.91234, "0.9123"),
    (1.0, "1.000"),
    (0.99999, "1.000"),
    (12.344, "12.34"),
    (1234.5, "1234"),
    (12345.6, "12346"),
    (123456.7, "1.235e5"),
    (0.0, "0.0000"),
    (-0.5, "-0.5000"),
    (7, "7"),
    (0.01234, "0.01234"),
    (0.001, "0.001"),
    (0.05, "0.05"),
    (1e-5, "1e-5"),
    (2.5e-4, "2.5e-4"),
    (np.float32(0.5), "0.5000"),
    (np.int64(3), "3"),
    (float("nan"), "nan"),
    (float("-inf"), "-inf"),
    (np.array([0.5]), "0.5000"),
    (np.arange(5.0), "[0.0000 1.000 2.000 ...]"),
]


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_format_value(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0s"),
        (9.9, "9.9s"),
        (9.96, "10s"),
        (59.6, "1:00"),
        (185, "3:05"),
        (3785, "1:03:05"),
    ],
)
def test_format_seconds(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (35e-6, "35us"),
        (0.9999e-3, "1.0ms"),
        (4.23e-3, "4.2ms"),
        (0.0153, "15ms"),
        (1.24, "1.2s"),
        (75, "75s"),
    ],
)
def test_format_step_time(seconds, text):
    assert format_step_time(seconds) == text

"""The host's parent, worker and frames, with a NumPy engine in the worker: needs no old Python."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kerasish.engines.base import MissingOperationError
from kerasish.engines.host import frames
from kerasish.engines.host.engine import HostEngine
from kerasish.engines.host.parent import EngineDied, EngineError, EngineMissing, EngineProcess
from kerasish.graph.program import Instruction, Program, VariableSlot
from kerasish.graph.spec import Spec

ECHO = Path(__file__).with_name("host_echo.py")


@pytest.fixture
def process():
    process = EngineProcess("Echo", sys.executable, ECHO)
    yield process
    process.stop()


@pytest.fixture
def engine(process):
    return HostEngine("echo", process)


def program(op="add", updates=(), **attrs):
    """y = op(x, v) of two float32 vectors; x is an input, v the variable of key 7."""
    spec = Spec((3,), "float32")
    accident = op in ("accident", "sleep")
    return Program(
        name="probe",
        inputs=((0, spec),),
        variables=(VariableSlot(1, 7, spec, "v"),),
        constants={},
        outputs=(0,) if accident else (2,),
        updates=updates,
        instructions=(Instruction(op, (0, 1), attrs, (2,), (spec,), "layer_1"),),
    )


X = np.arange(3, dtype="float32")


def gone(pid):
    """Whether the process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


# ---------------------------------------------------------------- frames


@pytest.fixture
def pair():
    channels = [frames.Channel(s) for s in socket.socketpair()]
    yield channels
    for channel in channels:
        channel.close()


ARRAYS = [
    np.float32(3),
    np.zeros((0, 4), "int64"),
    np.array([[True], [False]]),
    np.arange(5, dtype="u1"),
    np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    np.arange(20)[::-3].astype("int32"),
    np.random.default_rng(0).random((300, 100)),  # through shared memory
]


@pytest.mark.parametrize("shared_memory", [True, False])
def test_arrays_arrive_as_they_were(pair, shared_memory):
    a, b = pair
    a.shared_memory &= shared_memory
    sender = threading.Thread(target=lambda: [a.send({"n": n}, ARRAYS) for n in range(3)])
    sender.start()
    received = [b.receive() for _ in range(3)]
    sender.join()
    for n, (message, arrays) in enumerate(received):
        assert message == {"n": n}
        for sent, got in zip(ARRAYS, arrays, strict=True):
            assert (got.dtype, got.shape) == (sent.dtype, np.shape(sent))
            np.testing.assert_array_equal(got, sent)


def test_a_large_frame_gets_an_arena_of_its_own(pair, monkeypatch):
    monkeypatch.setattr(frames, "KEEP", 1 << 20)
    a, b = pair
    large = np.ones(1 << 19)
    a.send({}, [large])
    _, (first,) = b.receive()
    a.send({}, [large * 2])
    _, (second,) = b.receive()
    assert (a.outgoing, b.incoming) == (None, None)
    assert (first.sum(), second.sum()) == (large.size, 2 * large.size)


def header(**changes):
    good = {"message": {}, "arrays": [["float32", [2], None]], "arena": None, "once": False}
    return json.dumps({**good, **changes}).encode()


def framed(data):
    return struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", 0xFFFFFFFF),
        framed(b"no json"),
        framed(b"\xff\xfe"),
        framed(b"[]"),
        framed(header(message=3)),
        framed(header(arrays=[["object", [2], None]])),
        framed(header(arrays=[["float32", [-1], None]])),
        framed(header(arrays=[["float32", [1 << 60], None]])),
        framed(header(arrays=[["float32", [2], 0]])),  # in an arena that never came
        framed(header(arrays=[["float32", 2, None]])),
        framed(header(arena=100)),
    ],
)
def test_nonsense_is_a_frame_error(data):
    left, right = socket.socketpair()
    with left, right:
        left.sendall(data)
        with pytest.raises(frames.FrameError):
            frames.Channel(right).receive()


def test_an_arena_shorter_than_announced_is_refused(tmp_path):
    left, right = socket.socketpair()
    (tmp_path / "short").write_bytes(b"x" * 10)
    with left, right, open(tmp_path / "short", "r+b") as file:
        data = framed(header(arrays=[["uint8", [5000], 0]], arena=5000))
        socket.send_fds(left, [data], [file.fileno()])
        with pytest.raises(frames.FrameError, match="arena"):
            frames.Channel(right).receive()


@pytest.mark.parametrize("cut", [0, 2, 4, 20, -1])
def test_a_cut_frame_says_that_the_other_side_is_gone(cut):
    left, right = socket.socketpair()
    with right:
        left.sendall((framed(header()) + b"12345678")[:cut])
        left.close()
        with pytest.raises(frames.Closed):
            frames.Channel(right).receive()


# ---------------------------------------------------------------- the engine


def test_programs_run_and_update_variables(engine):
    engine.write(7, X)
    step = engine.compile(program(updates=((7, 2),)))
    np.testing.assert_array_equal(step([X], 0)[0], 2 * X)
    np.testing.assert_array_equal(step([X], 1)[0], 3 * X)
    np.testing.assert_array_equal(engine.read(7), 3 * X)
    np.testing.assert_array_equal(engine.evaluate(program("multiply"), [X], 0)[0], 3 * X * X)


@pytest.mark.parametrize("collect", [True, False])
def test_many_steps_gather_their_rows_in_the_worker(engine, collect):
    engine.write(7, X)
    data = engine.put(np.arange(4, dtype="float32")[:, None] * np.ones(3, "float32"))
    order = np.array([[3], [1]], "int32")
    (rows,) = engine.compile(program()).run_steps([data], order, 0, collect)
    expected = [3 + X[None], 1 + X[None]]
    np.testing.assert_array_equal(rows, expected if collect else expected[-1])


def test_missing_operations_are_named_with_the_reason(engine):
    with pytest.raises(MissingOperationError, match=r"sort: echoes have no order.*layer_1"):
        engine.check(program("sort"))


@pytest.mark.parametrize("place", ["input", "variable", "result", "inner"])
def test_a_dtype_that_frames_have_not_is_refused(engine, place):
    short = Spec((3,), "bfloat16")
    probe = program()
    (add,) = probe.instructions
    if place == "input":
        probe = replace(probe, inputs=((0, short),))
    elif place == "variable":
        probe = replace(probe, variables=(VariableSlot(1, 7, short, "v"),))
    else:
        probe = replace(probe, instructions=(replace(add, specs=(short,)),))
    if place == "inner":
        around = replace(add, op="multiply", attrs={"body": probe})
        probe = replace(probe, instructions=(around,))
    with pytest.raises(
        MissingOperationError, match=r"echo engine has no bfloat16, which .* Choose"
    ):
        engine.check(probe)


def test_what_is_dropped_is_dropped_in_the_worker(engine):
    data, step = engine.put(X), engine.compile(program())
    engine.write(7, X)
    step([X], 0)
    engine.delete(7)
    del data, step
    waiting = engine._discarded
    assert list(map(len, waiting.values())) == [1, 1, 1]
    assert not engine.holds(7)
    engine.write(8, X)
    assert not any(waiting.values())
    with pytest.raises(EngineError, match="KeyError"):
        engine.read(7)


def test_an_error_in_the_worker_leaves_it_alive(engine):
    engine.write(7, X)
    with pytest.raises(
        EngineError, match=r"(?s)ValueError during run probe: a bad thing.*_accident"
    ):
        engine.compile(program("accident", kind="raise"))([X], 0)
    np.testing.assert_array_equal(engine.read(7), X)
    assert engine.process.generation == 1


# ---------------------------------------------------------------- death


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("SIGKILL", "was killed .SIGKILL"),
        ("SIGSEGV", "crashed .SIGSEGV"),
        ("SIGABRT", "aborted .SIGABRT"),
        ("exit", "exited with status 3"),
    ],
)
def test_death_is_told_and_survived(engine, kind, words):
    engine.write(7, X)
    data = engine.put(X)
    step = engine.compile(program())
    with pytest.raises(EngineDied, match=f"(?s){words}.* during run probe.*about to {kind}"):
        engine.compile(program("accident", kind=kind))([X], 0)
    assert not engine.holds(7)
    engine.write(7, X)  # what the owner of the variable does next
    np.testing.assert_array_equal(step([data], 0)[0], 2 * X)
    assert engine.process.generation == 2


def test_a_hang_ends_at_the_limit(engine, monkeypatch):
    engine.write(7, X)
    monkeypatch.setenv("KERASISH_ENGINE_TIMEOUT", "0.3")
    with pytest.raises(EngineDied, match=r"(?s)no answer within 0.3 s during run probe.*_TIMEOUT"):
        engine.compile(program("sleep", seconds=100))([X], 0)
    assert not engine.process.alive


@pytest.mark.parametrize("text", ["soon", "-1", "nan"])
def test_a_senseless_limit_is_refused(process, monkeypatch, text):
    monkeypatch.setenv("KERASISH_ENGINE_TIMEOUT", text)
    with pytest.raises(ValueError, match=f"positive number of seconds, got '{text}'"):
        process.start()


def test_death_between_calls_is_told_once(engine):
    step = engine.compile(program())
    engine.write(7, X)
    os.kill(engine.process.pid, signal.SIGKILL)
    wait_until(lambda: not engine.process.alive)
    assert engine.holds(7)  # so that nobody takes an older value for the newest
    with pytest.raises(EngineDied, match=r"killed .SIGKILL.* during a pause after write"):
        engine.read(7)
    assert not engine.holds(7)
    engine.write(7, X)
    np.testing.assert_array_equal(step([X], 0)[0], 2 * X)
    assert engine.process.generation == 2


def test_death_between_a_look_and_the_next_is_told(engine, monkeypatch):
    engine.write(7, X)
    os.kill(engine.process.pid, signal.SIGKILL)
    wait_until(lambda: not engine.process.alive)
    alive, looks = EngineProcess.alive.fget, iter([True])  # at first it still seemed to be
    monkeypatch.setattr(EngineProcess, "alive", property(lambda p: next(looks, alive(p))))
    with pytest.raises(EngineDied, match=r"killed .SIGKILL"):
        engine.read(7)


def test_resident_data_is_an_array(engine):
    data = engine.put(X)
    np.testing.assert_array_equal(np.asarray(data), X)
    assert np.asarray(data, "float64").dtype == "float64"


def test_an_engine_that_cannot_start_says_why(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("class Engine:\n    def __init__(self):\n        import no_such_module\n")
    with pytest.raises(EngineError, match="No module named 'no_such_module'"):
        EngineProcess("Broken", sys.executable, broken).start()
    with pytest.raises(EngineMissing, match=r"there is no .*python"):
        EngineProcess("Missing", tmp_path / "python", broken).start()


# ---------------------------------------------------------------- the parent's end, Ctrl-C

SCRIPT = """
import os, sys, threading, time
sys.path[:0] = {path!r}
from test_host_process import *
engine = HostEngine("echo", EngineProcess("Echo", sys.executable, ECHO))
def start():
    engine.write(7, X)
if {thread}:  # the worker must outlive the thread that started it
    thread = threading.Thread(target=start); thread.start(); thread.join(); time.sleep(0.2)
else:
    start()
engine.read(7)
print(engine.process.hello["pid"], flush=True)
"""


def script(body, thread=False):
    path = [str(ECHO.parent), *filter(None, sys.path)]
    code = SCRIPT.format(path=path, thread=thread) + body
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("body", "thread"),
    [
        ("os.kill(os.getpid(), 9)", False),
        ("os.kill(os.getpid(), 9)", True),
        ("sys.exit()", False),
        (
            "threading.Timer(.2, os.kill, (os.getpid(), 9)).start();"
            "engine.compile(program('sleep', seconds=100))([X], 0)",
            False,
        ),  # in mid-computation
    ],
)
def test_the_worker_dies_with_its_parent(body, thread):
    with script(body, thread) as parent:
        pid = int(parent.stdout.readline())
        parent.wait(10)
    wait_until(lambda: gone(pid))


def test_a_fork_starts_a_worker_of_its_own_and_leaves_its_parents_alone():
    body = """
child = os.fork()
if not child:
    engine.write(7, 2 * X)
    same = engine.process.hello["pid"] == os.getppid()
    os._exit(10 + int(engine.read(7)[1]))
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(status, engine.read(7)[1], engine.process.generation)
"""
    with script(body) as parent:
        lines = parent.stdout.read().split("\n")
    assert lines[1] == "12 1.0 1"


INTERRUPTED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs inherit it ignored
before = engine.process.hello["pid"]
threading.Timer(.2, os.kill, (os.getpid(), signal.SIGINT)).start()
step = engine.compile(program("sleep", seconds={seconds}))
try:
    step([X], 0)
except KeyboardInterrupt:
    print("interrupted", engine.holds(7), gone(before))
    engine.write(8, X)
    print(engine.read(8).sum(), engine.process.hello["pid"] == before)
"""


@pytest.mark.parametrize(("seconds", "kept"), [(0.5, True), (100, False)])
def test_ctrl_c_keeps_what_a_short_call_did_and_ends_a_long_one(monkeypatch, seconds, kept):
    grace = "import kerasish.engines.host.parent as p; p.GRACE = 1.0\n"
    with script(grace + INTERRUPTED.format(seconds=seconds)) as parent:
        first = int(parent.stdout.readline())
        output, errors = parent.communicate(timeout=20)
    assert output.split("\n")[:2] == [f"interrupted {kept} {not kept}", f"3.0 {kept}"], errors
    wait_until(lambda: gone(first))


def test_ctrl_c_at_any_moment_leaves_the_process_usable():
    """Interrupts shower down on quick calls; no frame may be left half sent or half read."""
    body = """
import signal
big = np.ones((200, 200))
caught, inside = 0, False
def handler(*event):
    global inside
    if inside:
        inside = False  # here: a second one must not come before the first is caught
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, handler)
def shower():
    while caught < 100:
        time.sleep(0.003)
        os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=shower, daemon=True).start()
while caught < 100:
    try:
        inside = True
        engine.write(9, big)
        assert engine.read(9).sum() == 40000
        inside = False
    except KeyboardInterrupt:
        caught += 1
print(engine.process.generation)
"""
    with script(body) as parent:
        output, errors = parent.communicate(timeout=100)
    assert output.split("\n")[1] == "1", errors

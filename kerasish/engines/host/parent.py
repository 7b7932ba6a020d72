"""The parent's side of an engine's worker process: start it, call it, and survive its end."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.engines.host.frames import Channel, Closed, FrameError
from kerasish.engines.patience import PATIENCE, announce

WORKER = Path(__file__).with_name("worker.py")
TIMEOUT_VARIABLE = "KERASISH_ENGINE_TIMEOUT"
GRACE = 5.0  # seconds that an interrupted call gets to end by itself, so that no state is lost
TAIL = 2000  # characters of the worker's last output in an error


class EngineDied(RuntimeError):
    """The engine's process ended; what it held is gone, the next call starts a new one."""


class EngineMissing(RuntimeError):
    """The engine's interpreter is not there, or no longer."""


class EngineError(RuntimeError):
    """The engine refused a command; its process lives on."""


class EngineProcess:
    """An engine's worker process.

    Arguments:
        name: what to call the engine in messages.
        python: the interpreter that has the engine.
        engine: the engine's module in this folder, or the path of a file with one.
        environment: variables to set for the process, beside the user's own.
        remedy: what to tell the user if the interpreter is missing.

    The process starts at the first `call`.  After its death one call raises `EngineDied`, be it the
    one that was running or the next; the call after that starts a new process.  `generation` counts
    the starts: what was written to an earlier generation is lost.  The process ends with this one.
    """

    def __init__(
        self,
        name: str,
        python: str | Path,
        engine: str | Path,
        environment: Mapping[str, str] | None = None,
        remedy: str = "",
    ):
        self.name = name
        self.command = [str(python), "-I", "-B", "-X", "faulthandler", str(WORKER)]
        self.engine = str(engine)
        self.environment = dict(environment or {})
        self.remedy = remedy
        self.generation = 0
        self.hello: dict[str, Any] = {}
        self._process: subprocess.Popen | None = None
        self._owner = 0
        self._lock = threading.Lock()
        self._doing = ""
        self._pending = False  # whether an answer is on its way

    @property
    def alive(self) -> bool:
        """Whether the process runs, and is this process's own and not inherited by a fork."""
        return (
            self._process is not None
            and self._owner == os.getpid()
            and self._process.poll() is None
        )

    @property
    def known(self) -> bool:
        """Whether the process was started, and its end, should it have ended, not yet reported."""
        return self._process is not None and self._owner == os.getpid()

    @property
    def pid(self) -> int | None:
        """The number of the process, None if there is none."""
        return self._process.pid if self._process is not None and self.alive else None

    def start(self) -> dict[str, Any]:
        """Start the process if it is not running; return what it says of itself.

        Raises:
            EngineDied: it had ended since the last call; this is said once.
        """
        with self._lock:
            self._ensure()
            return self.hello

    def call(
        self, do: str, arrays: Sequence[np.ndarray] = (), *, about: str = "", **message: Any
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Have the worker do one thing; return its answer and arrays.

        Arguments:
            do: the command (see worker.py).
            arrays: what goes with it.
            about: for messages, such as the program's name.

        Raises:
            EngineError: the engine refused.  The process lives on.
            EngineDied: the process crashed, was killed, or gave no answer within the limit of
                KERASISH_ENGINE_TIMEOUT seconds (600).
        """
        with self._lock:
            self._ensure()
            return self._exchange(do, arrays, about, message)

    def stop(self) -> None:
        """End the process, if it runs."""
        with self._lock:
            if self._process is not None and self._owner == os.getpid():
                self._kill()

    def __getstate__(self):
        raise TypeError(f"the {self.name} engine's process cannot be copied or pickled")

    # -- one exchange

    def _exchange(self, do, arrays, about, message):
        self._doing = f"{do} {about}".strip()
        try:
            with _interrupts_deferred():
                self._pending = True
                self._channel.send({"do": do, **message}, arrays)
            self._wait(_limit())
            with _interrupts_deferred():
                answer, results = self._channel.receive()
                self._pending = False
        except (Closed, BrokenPipeError, ConnectionResetError):
            raise self._died() from None
        except TimeoutError:
            raise self._hung() from None
        except FrameError as error:
            self._kill()
            raise EngineDied(
                f"the {self.name} engine sent nonsense during {self._doing}: {error}"
            ) from error
        except BaseException:
            self._settle()
            raise
        if "error" in answer:
            raise EngineError(
                f"{self.name}: {answer['error']} during {self._doing}: {answer['text']}\n"
                f"--- in the engine's process ---\n{answer['traceback']}"
            )
        return answer, results

    def _wait(self, limit):
        """Wait for the answer; say what takes long if it is compiling, which takes long once."""
        if self._poll.poll(min(PATIENCE, limit) * 1000):
            return
        note = self._last_note()
        if note.startswith("compiling"):
            announce(self.name, f"{note} (kept for the next time)")
        if not self._poll.poll(max(0, limit - PATIENCE) * 1000):
            raise TimeoutError

    def _last_note(self):
        return os.pread(self._note.fileno(), 500, 0).decode(errors="replace").strip()

    def _settle(self):
        """After an interrupt: take the pending answer if it comes soon, else end the process."""
        with _interrupts_deferred():
            if not self._pending:
                return
            try:
                if self._poll.poll(GRACE * 1000):
                    self._channel.receive()
                    self._pending = False
                    return
            except (OSError, Closed, FrameError):
                pass  # the process is gone or confused: it is ended below
            self._kill()

    # -- life and death

    def _ensure(self):
        if self.alive:
            self._settle()  # should an interrupt have come in the way of it
        elif self.known:
            # What it held is lost, which its user has to hear before another takes its place.
            self._doing = f"a pause after {self._doing}"
            raise self._died()
        # Not by whether it is alive: one that has died just now must not be replaced in silence.
        if not self.known:
            self._start()

    def _start(self):
        limit = _limit()
        with _interrupts_deferred():
            self._connect(limit)
        try:
            self.hello, _ = self._exchange("hello", (), "", {})
        except BaseException:
            # Also when interrupted: a process that has not introduced itself is of no use.
            if self._process is not None:
                self._kill()
            raise

    def _connect(self, limit):
        ours, theirs = socket.socketpair()
        ours.settimeout(limit)
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process)
        self._note = tempfile.TemporaryFile()  # noqa: SIM115
        descriptors = [theirs.fileno(), self._note.fileno()]
        command = [*self.command, *map(str, descriptors), str(os.getpid()), self.engine]
        try:
            self._process = _spawn(
                command,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        except OSError as error:
            for file in (ours, self._output, self._note):
                file.close()
            if isinstance(error, FileNotFoundError):
                raise EngineMissing(
                    f"the {self.name} engine cannot start: there is no {self.command[0]}"
                    + (f". {self.remedy}" if self.remedy else "")
                ) from None
            raise
        finally:
            theirs.close()
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, _end, self._process, self._owner)
        self._channel = Channel(ours)
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)
        self.generation += 1

    def _kill(self):
        """End the process without more ado; leave nothing behind."""
        self._finalizer.detach()
        _end(self._process, self._owner)
        self._channel.close()
        self._output.close()
        self._note.close()
        self._process = None
        self._pending = False

    def _hung(self):
        tail = self._tail()
        self._kill()
        return EngineDied(
            f"the {self.name} engine gave no answer within {_limit():g} s during {self._doing} and "
            f"was ended; set {TIMEOUT_VARIABLE} to a higher number of seconds if it needs "
            f"longer{tail}"
        )

    def _died(self):
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            code = 0  # it closed the connection and lives: as good as dead
        tail = self._tail()
        self._kill()
        return EngineDied(
            f"the {self.name} engine's process {_manner(code)} during {self._doing}; what it held "
            f"is lost, the next use starts a new process{tail}"
        )

    def _tail(self):
        """What the process noted and printed last."""
        note = self._last_note()
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - TAIL))
        output = self._output.read().decode(errors="replace").strip()
        return (f"\nlast noted: {note}" if note else "") + (
            f"\nits last output:\n{output}" if output else ""
        )


def _end(process: subprocess.Popen, owner: int) -> None:
    """Kill a process that this one started; a fork of this one leaves it alone."""
    if owner == os.getpid():
        if process.poll() is None:
            # Its session, so that a compiler which it runs goes too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _spawn(command: Sequence[str], **options: Any) -> subprocess.Popen:
    """Start a process from a thread that lives as long as it does.

    The worker asks the kernel to be killed with its parent, by which the kernel means the thread
    that started it.
    """
    outcome: list[Any] = []
    started = threading.Event()

    def keep():
        try:
            outcome.append(subprocess.Popen(command, **options))
        except OSError as error:
            outcome.append(error)
        started.set()
        if isinstance(outcome[0], subprocess.Popen):
            # Waits without reaping, which is for the owner to do.
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, outcome[0].pid, os.WEXITED | os.WNOWAIT)

    threading.Thread(target=keep, name="kerasish-engine", daemon=True).start()
    started.wait()
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    return outcome[0]


@contextlib.contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Hold Ctrl-C back for a moment, so that no frame is left half sent or half read."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple] = []
    before = signal.signal(signal.SIGINT, lambda *event: arrived.append(event))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
    if arrived:
        signal.raise_signal(signal.SIGINT)


def _limit() -> float:
    """Seconds that a call may take."""
    text = os.environ.get(TIMEOUT_VARIABLE, "600")
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < math.inf:
        raise ValueError(f"{TIMEOUT_VARIABLE} must be a positive number of seconds, got {text!r}")
    return limit


def _manner(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exited with status {code}"
    name = signal.Signals(-code).name
    words = {
        "SIGSEGV": "crashed (SIGSEGV: segmentation fault)",
        "SIGABRT": "aborted (SIGABRT: the engine gave up)",
        "SIGKILL": "was killed (SIGKILL: often, no memory was left)",
        "SIGILL": "crashed (SIGILL: an instruction that this processor lacks)",
    }
    return words.get(name, f"was ended by {name}")

"""The worker process of an engine: reads commands from the parent, answers each.

Run by the parent as `python -I worker.py SOCKET NOTE PARENT ENGINE`, under the engine's own, old
Python: this file and all that it loads keep to Python 3.6 syntax and need NumPy and the engine.
"""

import importlib
import importlib.util
import os
import signal
import socket
import sys
import traceback
import types

import numpy as np


def load(name):
    """A module of this folder without the package around it, which needs a newer Python."""
    if "kerasish_host" not in sys.modules:
        package = types.ModuleType("kerasish_host")
        package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
        sys.modules["kerasish_host"] = package
    return importlib.import_module("kerasish_host." + name)


def load_engine(where):
    """The engine in this folder's module of that name, or in the file at that path."""
    if not where.endswith(".py"):
        return load(where).Engine()
    load("common")
    spec = importlib.util.spec_from_file_location("kerasish_host._engine", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Engine()


class Worker:
    """The commands.  Each takes the message and the frame's arrays; returns (answer, arrays)."""

    def __init__(self, engine):
        self.engine = engine
        self.executables = {}
        self.residents = {}
        self.handle = 0

    def hello(self, message, arrays):
        engine = self.engine
        return {
            "engine": engine.name,
            "version": engine.version,
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "pid": os.getpid(),
            "device": engine.device,
            "supported": sorted(engine.table),
            "native_gradients": engine.native_gradients,
            "higher_gradients": engine.higher_gradients,
            "without_gradient": sorted(engine.without_gradient),
            "gaps": engine.gaps,
            "by_numpy": engine.by_numpy,
        }, []

    def compile(self, message, arrays):
        program = load("common").Program(message["program"], [np.array(a) for a in arrays])
        return {"executable": self._keep(self.executables, self.engine.compile(program))}, []

    def run(self, message, arrays):
        inputs = self._inputs(message["inputs"], arrays)
        return {}, self.executables[message["executable"]](inputs, message["counter"])

    def run_steps(self, message, arrays):
        """One step per row of `order`, its inputs gathered from resident data."""
        step = self.executables[message["executable"]]
        data = self._inputs(message["inputs"], arrays[1:])
        collected = []
        for i, rows in enumerate(arrays[0]):
            batch = [np.take(a, rows, axis=0) for a in data]
            results = step(batch, (message["counter"] + i) % 2**32)
            if message["collect"]:
                collected.append(results)
        if message["collect"]:
            results = [np.stack(values) for values in zip(*collected)]
        return {}, results

    def evaluate(self, message, arrays):
        program = message["program"]
        count = len(arrays) - message["inputs"].count(None)  # those of inner programs as well
        program = load("common").Program(program, [np.array(a) for a in arrays[:count]])
        inputs = self._inputs(message["inputs"], arrays[count:])
        return {}, self.engine.compile(program, once=True)(inputs, message["counter"])

    def write(self, message, arrays):
        for key, value in zip(message["keys"], arrays):
            self.engine.write(key, np.array(value))
        return {}, []

    def read(self, message, arrays):
        return {}, [self.engine.read(key) for key in message["keys"]]

    def put(self, message, arrays):
        return {"handle": self._keep(self.residents, np.array(arrays[0]))}, []

    def discard(self, message, arrays):
        for handle in message["executables"]:
            self.executables.pop(handle, None)
        for handle in message["residents"]:
            self.residents.pop(handle, None)
        for key in message["keys"]:
            self.engine.delete(key)
        return {}, []

    def _keep(self, where, thing):
        self.handle += 1
        where[self.handle] = thing
        return self.handle

    def _inputs(self, places, arrays):
        """Resident data where a handle is named, else the frame's next array."""
        sent = iter(arrays)
        return [next(sent) if place is None else self.residents[place] for place in places]


COMMANDS = frozenset("hello compile run run_steps evaluate write read put discard".split())


def serve(channel, worker):
    """Answer commands until the parent is gone."""
    closed = load("frames").Closed
    while True:
        try:
            message, arrays = channel.receive(copy=False)
            name = message["do"]
        except closed:
            return
        try:
            if name not in COMMANDS:
                raise ValueError("no such command: %r" % name)
            answer, results = getattr(worker, name)(message, arrays)
        except Exception as error:
            answer, results = described(error), []
        channel.send(answer, results)


def described(error):
    """The answer that an exception which is being handled makes."""
    return {
        "error": type(error).__name__,
        "text": str(error),
        "traceback": traceback.format_exc(),
    }


def die_with(parent):
    """Have the kernel end this process with its parent, even in the middle of a computation."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 = PR_SET_PDEATHSIG
    if os.getppid() != parent:
        sys.exit("the parent process is gone")


def main(descriptor, note, parent, engine):
    # Ctrl-C is the parent's business: it decides whether this process goes on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with(parent)
    for number in (descriptor, note):
        os.set_inheritable(number, False)  # compilers that the engine starts must not hold them
    channel = load("frames").Channel(
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=descriptor)
    )
    load("common").note_to(note)
    try:
        worker = Worker(load_engine(engine))
    except Exception as error:
        channel.receive()
        channel.send(described(error))
        return
    serve(channel, worker)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])

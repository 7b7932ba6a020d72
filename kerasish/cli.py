"""The command `kerasish`."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import Any

import kerasish
from kerasish.engines import registry


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status.

    Args:
        argv: the arguments, those of the process if None.

    Example:
        >>> main(["backends"])  # doctest: +SKIP
    """
    args = _parser().parse_args(argv)
    return args.command(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kerasish", description="The Keras API on many engines.")
    parser.add_argument("--version", action="version", version=f"kerasish {kerasish.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    backends = commands.add_parser("backends", help="list the engines and what they can do")
    backends.set_defaults(command=_backends)

    setup = commands.add_parser(
        "setup", help="build the private environment of an engine that needs an old Python"
    )
    setup.add_argument("engine", choices=_host_engines())
    setup.add_argument("--python", metavar="PATH", help="the old interpreter to build it on")
    setup.set_defaults(command=_setup)

    run = commands.add_parser("run", help="run a Keras program: `import keras` means kerasish")
    run.add_argument(
        "--keras",
        type=int,
        choices=(1, 2, 3),
        default=3,
        metavar="GENERATION",
        help="whose defaults hold, such as learning rates: 1, 2 or 3 (tf.keras's are those of 3)",
    )
    run.add_argument("script", help="the program")
    run.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    run.set_defaults(command=_run)
    return parser


def _host_engines() -> list[str]:
    return [name for name, engine in registry.BUILT_IN.items() if engine.kind == "host"]


# ---------------------------------------------------------------- backends


def _backends(args: argparse.Namespace) -> int:
    """Loads every engine that is installed, so it takes a few seconds."""
    from kerasish import config

    try:
        chosen = config.backend()
    except registry.EngineNotInstalledError:
        chosen = ""  # announced when kerasish was imported
    header = ("", "ENGINE", "VERSION", "OPERATIONS", "DEVICES")
    found = {name: _describe(name) for name in registry.names()}
    rows = [("*" if name == chosen else "", name, *cells) for name, (cells, _) in found.items()]
    print(_table([header, *rows]))
    print("\n* is the one in use. Choose with keras.json, KERAS_BACKEND or config.set_backend.")
    notes = [note for _, note in found.values() if note]
    if notes:
        print("\n" + "\n".join(notes))
    return 0


def _describe(name: str) -> tuple[tuple[str, str, str], str]:
    """Version, share of operations and devices of an engine; and what is to be said about it."""
    there, problem = registry.installed(name)
    if not there:
        return ("not installed", "", ""), problem
    try:
        engine = registry.load(name)
        devices = ", ".join(engine.devices())
        return (engine.version(), _share(engine), devices), ""
    except Exception as error:  # whatever is wrong with one engine, the others are to be listed
        display = registry.info(name).display
        return ("broken", "", ""), f"{display} is installed, but does not load: {error}"


def _share(engine: Any) -> str:
    primitives, _ = operations()
    beside = sum(bool(engine.by_numpy(op)) for op in primitives if engine.lowers(op))
    share = f"{sum(map(engine.lowers, primitives))} of {len(primitives)}"
    return f"{share}, {beside} by NumPy" if beside else share


# Never in a Program: resolved when it is made.
_RESOLVED = ("size", "identity", "phase", "gradients")


def operations() -> tuple[list[str], list[str]]:
    """The names of the primitives, which an engine has to lower, and of the composites, which it
    may take whole.

    Example:
        >>> primitives, composites = operations()
        >>> "matmul" in primitives, "softmax" in composites
        (True, True)
    """
    from kerasish import ops
    from kerasish.graph.primitive import PRIMITIVES

    for module in pkgutil.iter_modules(ops.__path__):
        importlib.import_module(f"{ops.__name__}.{module.name}")
    resolved = {*_RESOLVED, *(name for name, p in PRIMITIVES.items() if p.needs_sizes)}
    names = sorted(set(PRIMITIVES) - resolved)
    whole = [name for name in names if PRIMITIVES[name].expansion is not None]
    return [name for name in names if name not in whole], whole


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


# ---------------------------------------------------------------- setup and run


def _setup(args: argparse.Namespace) -> int:
    from kerasish.engines.host.setup import SetupError, setup

    try:
        setup(args.engine, args.python, progress=lambda line: print(line, flush=True))
    except SetupError as error:
        print(f"kerasish setup {args.engine}: {error}", file=sys.stderr)
        return 1
    return 0


def _run(args: argparse.Namespace) -> int:
    from kerasish.compat.run import run_script

    if not os.path.isfile(args.script):
        print(f"kerasish run: there is no program {args.script}", file=sys.stderr)
        return 2
    run_script(args.script, args.args, keras=args.keras)
    return 0

"""The NumPy engine's definitions of the operations, for the worker.

They are read from that engine's own files. An old Python understands these once the annotations
are gone: the files keep to what runs on Python 3.6 and NumPy 1.19.  Python 3.6 syntax.
"""

import ast
import builtins
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types

import numpy as np

from . import common

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BARE = ("kerasish", "kerasish.engines", "kerasish.engines.numpy", "kerasish.graph")
TYPES = ("Callable", "dict", "list", "tuple")


class _WithoutAnnotations(ast.NodeTransformer):
    def visit_ImportFrom(self, node):
        return None if node.module == "__future__" else node

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node):
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)

    def visit_Assign(self, node):
        # A name for a type, as in `Body = Callable[..., Any]`, serves annotations only.
        value = node.value
        if isinstance(value, ast.Subscript) and getattr(value.value, "id", "") in TYPES:
            return None
        return self.generic_visit(node)


class _Loader(importlib.abc.Loader):
    def __init__(self, path):
        self.path = path

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        with open(self.path, encoding="utf-8") as file:
            tree = _WithoutAnnotations().visit(ast.parse(file.read(), self.path))
        # Before Python 3.10, zip takes no `strict`.
        module.zip = lambda *xs, strict=False: builtins.zip(*xs)
        exec(compile(ast.fix_missing_locations(tree), self.path, "exec"), module.__dict__)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of kerasish by their files; packages are left empty."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("kerasish."):
            return None
        path = os.path.join(ROOT, *name.split(".")[1:]) + ".py"
        return importlib.machinery.ModuleSpec(name, _Loader(path), origin=path)


def _windows(x, shape, axis):
    """NumPy's `sliding_window_view`, which is there since 1.20 only."""
    sizes, strides = list(x.shape), x.strides
    for a, n in zip(axis, shape):
        sizes[a] -= n - 1
    return np.lib.stride_tricks.as_strided(
        x, sizes + list(shape), strides + tuple(strides[a] for a in axis), writeable=False
    )


def _load():
    """The modules of the definitions and of their quick forms."""
    for name in BARE:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = []
    # What the definitions take from the graph, the worker has in a form of its own.
    sys.modules["kerasish.config"] = sys.modules["kerasish"].config = types.ModuleType("config")
    program = sys.modules["kerasish.graph.program"] = types.ModuleType("program")
    program.Program, program.Instruction = common.Program, common.Instruction
    program.VariableSlot = common.Variable
    spec = sys.modules["kerasish.graph.spec"] = types.ModuleType("spec")
    spec.Spec = common.Spec
    if not hasattr(np.lib.stride_tricks, "sliding_window_view"):
        np.lib.stride_tricks.sliding_window_view = _windows
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        table = importlib.import_module("kerasish.engines.numpy.table")
        return table, importlib.import_module("kerasish.engines.numpy.kernels")
    finally:
        sys.meta_path.remove(finder)


def _qr(x, complete):
    """NumPy's own takes stacks of matrices since 1.22 only."""
    mode = "complete" if complete else "reduced"
    pairs = [np.linalg.qr(matrix, mode) for matrix in x.reshape((-1,) + x.shape[-2:])]
    return tuple(np.reshape(f, x.shape[:-2] + f[0].shape) for f in map(np.stack, zip(*pairs)))


table, kernels = _load()
table.TABLE["qr"] = table.in_float32(_qr)
LOOPS = frozenset(table.control.TABLE)
RANDOM = frozenset(table.random.TABLE)


def drawing(instruction):
    """A random instruction as a function of the counter, which gives the reference's numbers.

    NumPy's generator is also quicker than Theano's and CNTK's own. What stays the same is drawn
    when it is first needed.
    """
    function, attrs = table.TABLE[instruction.op], instruction.attrs
    dtype = instruction.specs[0].dtype
    fixed = []

    def draw(counter):
        if fixed:
            return fixed[0]
        values = np.asarray(function(counter=counter, **attrs), dtype)
        if not attrs["counted"]:
            fixed.append(values)
        return values

    return draw


def window_counts(sizes, window, strides, padding):
    """How many places of each window are not padding, channels first: [1, 1, *out]."""
    counts = table.conv.window_counts((1,) + tuple(sizes) + (1,), window, strides, padding)
    return counts.reshape((1, 1) + counts.shape[1:-1]).astype("float64")

"""Make Theano compile less.  Its modules are many and small, and g++ takes most of a second each.

Two thirds of that second go into reading Python's and NumPy's headers, and into debug information.
So the headers are read once and kept precompiled, and operations on scalars are left to Python.
Python 3.6 syntax; runs in the worker.
"""

import copy
import functools
import hashlib
import operator
import os
import re
import subprocess

import numpy as np
import theano
from theano.compile import optdb
from theano.gof import Optimizer
from theano.gof.cmodule import GCC_compiler, std_include_dirs
from theano.scalar.basic import Composite, Mul
from theano.tensor.elemwise import DimShuffle, Elemwise

HEADERS = """
#include <Python.h>
#include <iostream>
#include <vector>
#include <algorithm>
#include "theano_mod_helper.h"
#include <math.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <time.h>
#include <sys/time.h>
"""
LOOP = "for(int i=0; i<n; i++){"  # over all elements, as Theano writes it
NUMBER = re.compile(r"(dtype_\w+)& (\w+_i = \(\(dtype_\w+\*\) PyArray_DATA\(\w+\)\)\[0\];)")
THREADS = re.compile(r"(?:#pragma omp parallel for if\(n>=(\d+)\)\s*)?" + re.escape(LOOP))
NO_DEBUG_INFORMATION = "-g0"  # comes after Theano's own -g and wins
_prepared = {}  # compiler flags -> the flags to add


def _extra_flags(flags):
    """What to add to these flags of Theano's, once the headers are precompiled for them."""
    if tuple(flags) not in _prepared:
        name = hashlib.sha256(repr((flags, theano.config.cxx)).encode()).hexdigest()[:16]
        header = os.path.join(theano.config.compiledir, "headers-%s.h" % name)
        ready = os.path.exists(header + ".gch") or _precompile(header, flags)
        _prepared[tuple(flags)] = [NO_DEBUG_INFORMATION] + (["-include", header] if ready else [])
    return _prepared[tuple(flags)]


def _precompile(header, flags):
    """Write the header and its precompiled form; whether that went well."""
    with open(header, "w") as file:
        file.write(HEADERS)
    # Written aside first: another process may be looking for it.
    temporary = "%s.%d.gch" % (header, os.getpid())
    done = subprocess.run(
        [theano.config.cxx, "-g"]
        + flags
        + [NO_DEBUG_INFORMATION, "-fvisibility=hidden"]
        + ["-I" + directory for directory in std_include_dirs() if directory]
        + ["-x", "c++-header", header, "-o", temporary]
    )
    if done.returncode == 0:
        os.replace(temporary, header + ".gch")
    return done.returncode == 0


def _vectorizable(code):
    """Theano's C++ with what keeps the compiler from handling several elements at once removed.

    It takes an output that overwrites an input for an obstacle, and a number that goes with every
    element for one that may change on the way.
    """
    if LOOP in code and "_ptr[i];" in code:
        code = NUMBER.sub(r"\1 \2", code)
        code = THREADS.sub(_with_vectors, code)
    return code


def _with_vectors(loop):
    threads = loop.group(1)
    how = "parallel for simd if(parallel: n>=%s)" % threads if threads else "simd"
    return "\n#pragma omp %s\n%s" % (how, LOOP)


def compile_with_precompiled_headers():
    """Have Theano's compiler use them from now on."""
    original = GCC_compiler.compile_str

    def compile_str(
        module_name,
        src_code,
        location=None,
        include_dirs=None,
        lib_dirs=None,
        libs=None,
        preargs=None,
        *args,
        **options,
    ):
        flags = list(preargs or [])
        return original(
            module_name,
            _vectorizable(src_code),
            location,
            include_dirs,
            lib_dirs,
            libs,
            flags + _extra_flags(flags),
            *args,
            **options,
        )

    GCC_compiler.compile_str = staticmethod(compile_str)


def _no_c_code(*args):
    raise NotImplementedError  # upon which Theano takes the Python code


def _on_scalars(node, inputs, storage):
    """Theano's own way goes through an array's machinery and takes 20 times as long."""
    results = node.op.scalar_op.impl(*[x[()] for x in inputs])
    if len(storage) == 1:
        results = (results,)
    for place, output, result in zip(storage, node.outputs, results):
        place[0] = np.asarray(result, output.dtype)


def _prepare_python(scalar_op):
    if isinstance(scalar_op, Composite):
        for node in scalar_op.fgraph.apply_nodes:
            _prepare_python(node.op)
        scalar_op.init_py_impls()


class _ScalarsInPython(Optimizer):
    """Leave elementwise operations on scalars to Python: some microseconds each, no compiling."""

    def apply(self, fgraph):
        for node in fgraph.toposort():
            if isinstance(node.op, (Elemwise, DimShuffle)) and not any(
                v.ndim for v in node.inputs + node.outputs
            ):
                node.op = copy.copy(node.op)
                node.op.make_c_thunk = _no_c_code
                if isinstance(node.op, Elemwise):
                    node.op.prepare_node = lambda *args, **options: None
                    node.op.perform = _on_scalars
                    _prepare_python(node.op.scalar_op)


def _product(self, *factors):
    """Theano's own takes NumPy's function for arrays, for some microseconds."""
    return functools.reduce(operator.mul, factors)


def leave_scalars_to_python():
    """Have Theano's optimizer do so from now on."""
    Mul.impl = _product
    np.seterr(all="ignore")  # a division by zero is no news
    # 100: after everything else, so that no later pass merges or replaces the nodes.
    optdb.register("kerasish_scalars", _ScalarsInPython(), 100, "fast_run")

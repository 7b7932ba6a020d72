"""Make Theano compile less.  Its modules are many and small, and g++ takes most of a second each.

Two thirds of that second go into reading Python's and NumPy's headers, and into debug information.
So the headers are read once and kept precompiled, and operations on scalars are left to Python.
Python 3.6 syntax; runs in the worker.
"""

import copy
import hashlib
import os
import subprocess

import theano
from theano.compile import optdb
from theano.gof import Optimizer
from theano.gof.cmodule import GCC_compiler, std_include_dirs
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
            src_code,
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


class _ScalarsInPython(Optimizer):
    """Leave elementwise operations on scalars to Python: some microseconds each, no compiling."""

    def apply(self, fgraph):
        for node in fgraph.toposort():
            if isinstance(node.op, (Elemwise, DimShuffle)) and not any(
                v.ndim for v in node.inputs + node.outputs
            ):
                node.op = copy.copy(node.op)
                node.op.make_c_thunk = _no_c_code


def leave_scalars_to_python():
    """Have Theano's optimizer do so from now on."""
    # 100: after everything else, so that no later pass merges or replaces the nodes.
    optdb.register("kerasish_scalars", _ScalarsInPython(), 100, "fast_run")

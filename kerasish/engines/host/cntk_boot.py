"""Import CNTK without its MPI library and without its slow look at the system.

Python 3.6 syntax; runs in the worker.
"""

import ctypes
import os
import sys
import types
import warnings

libraries = os.environ["KERASISH_CNTK_LIBRARIES"]
for name in ("libmpi.so.12", "libmpi_cxx.so.1"):
    # Loaded under this name for all, it is what the linker finds when CNTK asks for it.
    ctypes.CDLL(os.path.join(libraries, name), mode=ctypes.RTLD_GLOBAL)

# CNTK would run ldconfig and more on import only to print warnings about MPI and the distribution.
checks = types.ModuleType("cntk.cntk_py_init")
checks.cntk_check_distro_info = checks.cntk_check_libs = lambda: None
sys.modules["cntk.cntk_py_init"] = checks

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import cntk as C

C.logging.set_trace_level(C.logging.TraceLevel.Error)
C.try_set_default_device(C.cpu())

_mkl = ctypes.CDLL("libmklml_intel.so")  # CNTK's
_wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]  # one number per level
_threads = int(_wanted or len(os.sched_getaffinity(0)))
# CNTK's own loops are slower in two threads than in one: a Transformer takes three times as long.
ctypes.CDLL("libiomp5.so").omp_set_num_threads(1)


def use_threads(several):
    """Whether MKL's convolutions and products of matrices run in several threads."""
    _mkl.MKL_Set_Num_Threads(_threads if several else 1)

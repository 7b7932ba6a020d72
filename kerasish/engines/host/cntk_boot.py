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

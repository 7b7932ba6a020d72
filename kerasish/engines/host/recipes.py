"""What each engine that runs in a worker needs: the interpreter, the packages, the variables."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kerasish.engines.host.elfstub import write_library
from kerasish.engines.host.mpi_symbols import DATA, FUNCTIONS
from kerasish.engines.registry import host_directory


@dataclass(frozen=True)
class Recipe:
    """How to make and start one engine's environment.

    pythons: the versions that it runs on, the preferred one first.
    packages: pinned, as pip takes them.
    platforms: (system, machine) pairs that there are wheels for; empty: any.
    prepare: makes what else must lie in the engine's directory.
    variables: the environment variables of its process, given its directory.
    warn: what the user should know about this machine, or nothing.
    """

    name: str
    display: str
    pythons: tuple[str, ...]
    packages: tuple[str, ...]
    platforms: tuple[tuple[str, str], ...]
    prepare: Callable[[Path], None]
    variables: Callable[[Path], dict[str, str]]
    warn: Callable[[], str]


def engine_directory(name: str) -> Path:
    """Where an engine's environment is, however it is reached: what Theano has compiled holds for
    one path only."""
    return host_directory(name).resolve()


def environment_python(name: str) -> Path:
    """The interpreter of an engine's environment."""
    return engine_directory(name) / "env" / "bin" / "python"


# ---------------------------------------------------------------- CNTK


def _prepare_cntk(directory: Path) -> None:
    """The MPI libraries that CNTK is linked to, as stubs."""
    libraries = directory / "lib"
    libraries.mkdir(exist_ok=True)
    write_library(libraries / "libmpi.so.12", "libmpi.so.12", FUNCTIONS, DATA)
    write_library(libraries / "libmpi_cxx.so.1", "libmpi_cxx.so.1", ["kerasish_stub"])


def _cntk_variables(directory: Path) -> dict[str, str]:
    variables = {
        "KERASISH_CNTK_LIBRARIES": str(directory / "lib"),
        # Milliseconds that threads spin for before they sleep, from which they wake slowly. The
        # next product of matrices comes within one; longer would take cores from others.
        "KMP_BLOCKTIME": "1",
        # NumPy has the small products here: the threads of its BLAS would only be in CNTK's way.
        "OPENBLAS_NUM_THREADS": "1",
    }
    if _is_amd():
        # This old MKL runs its slowest kernels on any processor that is not Intel's unless told:
        # 7 is AVX-512, 5 AVX2.
        if _processor() >= AVX512:
            variables["MKL_DEBUG_CPU_TYPE"] = "7"
        elif _processor() >= AVX2:
            variables["MKL_DEBUG_CPU_TYPE"] = "5"
    return {name: os.environ.get(name, value) for name, value in variables.items()}


AVX2 = frozenset(["avx2", "fma"])
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _is_amd() -> bool:
    return "AuthenticAMD" in _cpuinfo()


def _processor() -> frozenset[str]:
    """What the processor can do, as far as is known."""
    lines = (line for line in _cpuinfo().splitlines() if line.startswith("flags"))
    return frozenset(next(lines, "").partition(":")[2].split())


# ---------------------------------------------------------------- Theano


def _theano_variables(directory: Path) -> dict[str, str]:
    flags = [
        "floatX=float32",
        "device=cpu",
        f"base_compiledir={_quoted(directory / 'compiled')}",
        # So that elementwise operations handle several elements at a time.
        "gcc.cxxflags=-O3 -fno-math-errno -fno-trapping-math -fopenmp-simd",
        # Large ones and convolutions in several threads. To wake those for less takes longer.
        f"openmp={(os.cpu_count() or 1) > 1}",
        "openmp_elemwise_minsize=200000",
    ]
    variables = dict(RECYCLE_MEMORY)
    # Threads that spin while they wait take the cores from others: BLAS has but one, unless the
    # user asks for more. Convolutions have several all the same.
    variables["OMP_WAIT_POLICY"] = os.environ.get("OMP_WAIT_POLICY", "passive")
    variables["OPENBLAS_NUM_THREADS"] = os.environ.get("OPENBLAS_NUM_THREADS", "1")
    blas = _openblas(directory)
    if blas is not None:
        # Its directory by way of a variable: the flag would be cut in pieces at a blank.
        flags.append(f"blas.ldflags=-l:{blas.name}")
        paths = [str(blas.parent), os.environ.get("LIBRARY_PATH")]
        variables["LIBRARY_PATH"] = os.pathsep.join(filter(None, paths))
        # This old OpenBLAS runs its slowest kernels on processors made after it unless told. What
        # the shell says is meant for newer ones, and cost half of the speed where it was tried.
        kernels = {AVX512: "SkylakeX", AVX2: "Haswell"}
        best = next((name for needs, name in kernels.items() if _processor() >= needs), None)
        if best:
            variables["OPENBLAS_CORETYPE"] = best
    # The user's own come last: Theano takes the last of two.
    own = os.environ.get("THEANO_FLAGS")
    return {**variables, "THEANO_FLAGS": ",".join([*flags, own] if own else flags)}


# Arrays come and go with every step. By default memory as large goes back to the system each time
# and comes back page by page, filled with zeros, which takes longer than a product of matrices.
RECYCLE_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


def _quoted(path: Path) -> str:
    """As Theano reads its flags: split at commas outside of quotes, like a shell's words."""
    return "'" + str(path).replace("'", "'\"'\"'") + "'"


def _openblas(directory: Path) -> Path | None:
    """The OpenBLAS that NumPy's wheel brings along."""
    packages = directory / "env" / "lib"
    for pattern in (
        "python*/site-packages/numpy.libs/libopenblas*.so*",
        "python*/site-packages/numpy/.libs/libopenblas*.so*",
    ):
        for library in packages.glob(pattern):
            return library
    return None


def _compiler_warning() -> str:
    from shutil import which

    if which("g++"):
        return ""
    return (
        "There is no C++ compiler (g++): Theano works without one, but 10 to 100 times slower. "
        "Install g++ (for example: apt install g++) and it is used from then on."
    )


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="theano",
            display="Theano",
            pythons=("3.9", "3.8", "3.7", "3.6"),
            packages=(
                "Theano==1.0.5",
                "six==1.16.0",
                "numpy==1.21.6; python_version >= '3.7'",
                "scipy==1.7.3; python_version >= '3.7'",
                "numpy==1.19.5; python_version < '3.7'",
                "scipy==1.5.4; python_version < '3.7'",
            ),
            platforms=(),
            prepare=lambda directory: None,
            variables=_theano_variables,
            warn=_compiler_warning,
        ),
        Recipe(
            name="cntk",
            display="CNTK",
            pythons=("3.6",),
            packages=("cntk==2.7", "numpy==1.19.5", "scipy==1.5.4"),
            platforms=(("Linux", "x86_64"),),
            prepare=_prepare_cntk,
            variables=_cntk_variables,
            warn=lambda: "",
        ),
    )
}


def unsupported_platform(recipe: Recipe) -> str:
    """Why the engine cannot run on this machine, empty if it can."""
    here = (platform.system(), platform.machine())
    if not recipe.platforms or here in recipe.platforms:
        return ""
    wanted = " or ".join(" ".join(pair) for pair in recipe.platforms)
    return f"{recipe.display} was only ever built for {wanted}, this machine is {' '.join(here)}."

"""`ops.linalg`: linear algebra."""

from __future__ import annotations

from typing import Any

__all__ = """
    cholesky cholesky_inverse det eig eigh inv jvp lstsq lu_factor matrix_rank norm pinv qr
    solve solve_triangular svd
""".split()


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kerasish import ops

    return getattr(ops, name)


def __dir__() -> list[str]:
    return __all__

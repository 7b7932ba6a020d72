"""Data sets, one module each with a `load_data()`."""

from kerasish.datasets import mnist, synthetic_digits

__all__ = ["mnist", "synthetic_digits"]

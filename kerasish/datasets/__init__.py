"""Data sets, one module each with a `load_data()`."""

"""Engines that only run on old Pythons, each in a worker process of its own.

In the user's process: `engine` (the Engine), `parent` (the process), `setup` and `recipes` (the
environments, for which `elfstub` and `mpi_symbols` make a library).  Both sides: `frames`.  All
else is for the worker, under an old Python and without the rest of kerasish, but for those files of
the NumPy engine that `definitions` reads.
"""

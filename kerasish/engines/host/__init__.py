"""Engines that only run on old Pythons, each in a worker process of its own.

In the user's process: `engine` (the Engine), `parent` (the process), `setup` and `recipes` (the
environments).  In the worker, under an old Python and without the rest of kerasish: `worker`,
`common`, `layout`, `theano`, `cntk`.  Both sides: `frames`.
"""

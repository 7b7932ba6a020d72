"""Theano, in a worker process under an old Python."""

from __future__ import annotations

from kerasish.engines.host.engine import HostEngine


def create() -> HostEngine:
    """The engine; `kerasish setup theano` builds what it needs."""
    return HostEngine("theano")

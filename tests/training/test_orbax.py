"""Orbax brings JAX along, and a process with JAX should not fork, as other tests make theirs do."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(
    importlib.util.find_spec("orbax") is None, reason="orbax-checkpoint is not installed"
)
def test_orbax_in_a_process_of_its_own():
    cases = Path(__file__).with_name("orbax_cases.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(cases)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stdout[-5000:] + found.stderr[-2000:]
    assert "passed" in found.stdout
    assert "skipped" not in found.stdout

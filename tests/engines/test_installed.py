"""Which engines the tests ran on."""

import os

import pytest

from kerasish.engines import registry


@pytest.mark.parametrize("name", ["numpy", "tensorflow", "theano", "cntk", "jax", "torch"])
def test_engine_is_there(name):
    there, problem = registry.installed(name)
    if not there:
        required = os.environ.get("KERASISH_REQUIRE_ENGINES", "").split(",")
        (pytest.fail if name in required else pytest.skip)(problem)
    engine = registry.load(name)
    assert (engine.name, bool(engine.version()), bool(engine.devices())) == (name, True, True)

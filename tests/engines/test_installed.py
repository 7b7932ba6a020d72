"""Which engines the tests ran on."""

import os

import pytest

from kerasish.engines import registry
from kerasish.engines.host import setup
from kerasish.engines.host.recipes import RECIPES
from kerasish.engines.host.setup import is_complete


@pytest.mark.parametrize("name", ["numpy", "tensorflow", "theano", "cntk", "jax", "torch"])
def test_engine_is_there(name):
    there, problem = registry.installed(name)
    if not there:
        required = os.environ.get("KERASISH_REQUIRE_ENGINES", "").split(",")
        (pytest.fail if name in required else pytest.skip)(problem)
    engine = registry.load(name)
    assert (engine.name, bool(engine.version()), bool(engine.devices())) == (name, True, True)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_setup_proves_what_is_there(name):
    if not is_complete(name):
        pytest.skip(f"{name} is not set up")
    assert setup._prove(RECIPES[name])["engine"] == name

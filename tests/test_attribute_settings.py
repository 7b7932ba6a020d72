"""utils.Config."""

import copy
import pickle

import pytest

from kerasish.utils import Config


def test_values_are_attributes_and_entries():
    config = Config(a=1, freeze=2)
    config.b = {"c": 3}
    config["d"] = 4
    config.update({"e": 5}, f=6)
    expected = {"a": 1, "freeze": 2, "b": {"c": 3}, "d": 4, "e": 5, "f": 6}
    assert dict(config) == config.as_dict() == expected
    assert (config.a, config["b"], config.get("d"), config["freeze"]) == (1, {"c": 3}, 4, 2)
    assert (config.get("z"), config.get("z", 7), config.get(keyname="z", value=8)) == (None, 7, 8)
    assert list(reversed(config)) == list(config.keys())[::-1]
    assert "a" in config
    assert config.pop("a") == 1
    assert config.pop("a", 9) == 9
    del config.b, config["d"]
    assert (len(config), repr(config)) == (3, "<Config {'freeze': 2, 'e': 5, 'f': 6}>")
    config.as_dict()["e"] = 0
    assert config.e == 5
    assert not Config()


def test_unknown_names():
    config = Config(learning_rate=1)
    with pytest.raises(AttributeError, match=r"no value 'learn_rate'\. Did you mean 'learning_r"):
        config.learn_rate  # noqa: B018
    with pytest.raises(AttributeError, match="no value 'rate'"):
        del config.rate
    with pytest.raises(KeyError, match="rate"):
        config["rate"]
    with pytest.raises(TypeError, match="positional"):
        Config({"a": 1})


CHANGES = {
    "set": lambda c: setattr(c, "a", 2),
    "enter": lambda c: c.__setitem__("a", 2),
    "update": lambda c: c.update(b=2),
    "delete": lambda c: c.__delitem__("a"),
    "remove": lambda c: delattr(c, "a"),
    "pop": lambda c: c.pop("a"),
    "clear": lambda c: c.clear(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_frozen(change):
    config = Config(a=1)
    config.freeze()
    assert config.frozen
    with pytest.raises(ValueError, match=r"frozen, and '[ab]' can't be changed; unfreeze\(\)"):
        CHANGES[change](config)
    assert config.as_dict() == {"a": 1}
    assert copy.deepcopy(config).frozen
    config.unfreeze()
    CHANGES[change](config)
    assert config.as_dict() != {"a": 1}


def test_json_and_copies():
    config = Config(a=(1, None), b=Config(c=[Config(d=2.5)]))
    assert config.to_json() == '{"a": [1, null], "b": {"c": [{"d": 2.5}]}}'
    with pytest.raises(TypeError, match="none of JSON's values"):
        Config(a=object()).to_json()
    for other in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other.to_json() == config.to_json()
        assert other != config
        assert len({other, config, config}) == 2

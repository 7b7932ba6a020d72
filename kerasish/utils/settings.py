"""A set of named values."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

from kerasish.utils.arguments import suggestion


class Config(MutableMapping[str, Any]):
    """Named values, as attributes and as entries, that can be frozen and written as JSON.

    It has all that a dictionary has. Two of them are equal if they are the same object.

    Args:
        **kwargs: the first values.

    Example:
        >>> config = Config(units=64, rate=0.1)
        >>> config.activation = "relu"
        >>> config["rate"], config.activation
        (0.1, 'relu')
        >>> config.to_json()
        '{"units": 64, "rate": 0.1, "activation": "relu"}'
        >>> config.freeze()
        >>> config.rate = 0.2
        Traceback (most recent call last):
        ...
        ValueError: Config is frozen, and 'rate' can't be changed; unfreeze() ends that
    """

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, **kwargs: Any) -> None:
        vars(self).update(_values=kwargs, _frozen=False)

    @property
    def frozen(self) -> bool:
        """Whether the values can't be changed."""
        return vars(self)["_frozen"]

    def freeze(self) -> None:
        """From now on, changes are refused: ValueError."""
        vars(self)["_frozen"] = True

    def unfreeze(self) -> None:
        """From now on, changes are allowed."""
        vars(self)["_frozen"] = False

    def as_dict(self) -> dict[str, Any]:
        """A new dictionary with the values."""
        return dict(self._values)

    def to_json(self) -> str:
        """The values as JSON; a `Config` among them becomes an object, too.

        Raises:
            TypeError: for a value that JSON has not.
        """
        return json.dumps(self._values, default=_as_dict)

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of a name, or another one if there is none.

        Args:
            keyname: the name.
            value: what is returned if there is no such name.
        """
        return self._values.get(keyname, value)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._refuse_if_frozen(name)
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        self._refuse_if_frozen(name)
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        values = vars(self).get("_values", {})  # a copy that is being made has none yet
        if name not in values:
            raise AttributeError(f"Config has no value {name!r}.{suggestion(name, values)}")
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(f"Config has no value {name!r}.{suggestion(name, self)}")
        del self[name]

    def __repr__(self) -> str:
        return f"<Config {self._values}>"

    def _refuse_if_frozen(self, name: str) -> None:
        if self.frozen:
            raise ValueError(
                f"Config is frozen, and {name!r} can't be changed; unfreeze() ends that"
            )


def _as_dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, Config):
        raise TypeError(f"Config.to_json: {value!r:.80} is none of JSON's values")
    return value.as_dict()

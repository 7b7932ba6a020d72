"""Models as JSON, YAML and configs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kerasish.saving import lambdas
from kerasish.saving.building import building, model_from_entry
from kerasish.saving.h5 import FileError
from kerasish.saving.legacy_config import readable
from kerasish.saving.serialization import CustomObjectScope
from kerasish.utils.optional import needed

# A few lines of YAML can repeat each other so often that they fill any memory.
_YAML_LIMIT = 1 << 20
_YAML_DEEPEST = 500


def yaml_library() -> Any:
    """The yaml module.

    Raises:
        ImportError: it is not installed.
    """
    return needed("yaml", "A model as YAML", "pyyaml")


def model_from_config(
    config: Mapping[str, Any],
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool | None = None,
) -> Any:
    """A model, with fresh weights, from {"class_name": ..., "config": ...} of any Keras.

    Args:
        config: plain data.
        custom_objects: name -> class or function, for what is not Keras's.
        safe_mode: False runs byte code that the config may have; None as in `load_model`.

    Raises:
        ValueError: it is no config of a model.

    >>> from kerasish import layers, models
    >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1)])
    >>> model_from_config(json.loads(model.to_json())).count_params()
    3
    """
    with CustomObjectScope(custom_objects), building("The config"):
        entry = readable(config)
        entry = lambdas.with_functions(entry, safe_mode, custom_objects)
        return model_from_entry(entry)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A model, with fresh weights, from the result of `to_json` of any Keras."""
    try:
        config = json.loads(json_string)
    except (ValueError, RecursionError) as error:
        raise FileError(f"The config of the model is not JSON: {error}") from error
    return model_from_config(config, custom_objects)


def model_from_yaml(yaml_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A model, with fresh weights, from the result of `to_yaml` of any Keras.

    Only plain data is read; tags that name Python objects are refused, but for Keras's tuples.
    """
    yaml = yaml_library()

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined]
        """Also reads what older Kerases wrote for tuples and strings.

        But no `<<`, of which a few lines fill any memory, and not what is nested without end.
        """

        def flatten_mapping(self, node: Any) -> None:
            if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
                raise FileError("The YAML has merge keys (<<), which no Keras writes.")

        def fetch_flow_collection_start(self, token: Any) -> None:
            if self.flow_level > _YAML_DEEPEST:
                raise FileError(f"The YAML has more than {_YAML_DEEPEST} brackets in each other.")
            super().fetch_flow_collection_start(token)

    sequence = lambda loader, node: loader.construct_sequence(node, deep=True)  # noqa: E731
    Loader.add_constructor("tag:yaml.org,2002:python/tuple", sequence)
    Loader.add_constructor("tag:yaml.org,2002:python/unicode", lambda _, node: node.value)
    try:
        config = _expanded(yaml.load(yaml_string, Loader), [_YAML_LIMIT])
    except (yaml.YAMLError, RecursionError) as error:
        raise FileError(f"The config of the model is not plain YAML: {error}") from error
    return model_from_config(config, custom_objects)


def _expanded(value: Any, left: list[int]) -> Any:
    """A copy in which nothing is shared, if that is not too large."""
    left[0] -= 1
    if left[0] < 0:
        raise FileError(f"The YAML stands for more than {_YAML_LIMIT} values.")
    if isinstance(value, dict):
        return {key: _expanded(item, left) for key, item in value.items()}
    return [_expanded(item, left) for item in value] if isinstance(value, list) else value

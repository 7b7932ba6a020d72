"""Dtype policies: the dtype a layer computes in, and that of its weights.

For most layers both are the same: `dtype="float32"`. In mixed precision the weights stay in
float32, where small steps are not lost, while the layer computes in a shorter float. Source:
Micikevicius et al., 2017, arXiv:1710.03740. What follows from a policy is done by `Layer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from kerasish import config
from kerasish.graph import dtypes
from kerasish.saving.serialization import Configurable, Registry, serialize_keras_object
from kerasish.utils.patterns import fitting

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy(Configurable):
    """The dtypes of a layer.

    Args:
        name: a dtype, for weights and computation, or "mixed_float16" or "mixed_bfloat16", for
            weights in float32 and computation in the float named. The global policy's if None.

    Raises:
        TypeError: the name is not a string; ValueError: there is no such policy.

    >>> policy = DTypePolicy("mixed_float16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('float16', 'float32')
    """

    name: str

    def __init__(self, name: str | None = None):
        name = config.dtype_policy().name if name is None else name
        if not isinstance(name, str):
            raise TypeError(f"A dtype policy's name must be a string, but got {name!r}.")
        if name not in _MIXED and name not in dtypes.ALL:
            raise ValueError(
                f"Unknown dtype policy {name!r}. Expected a dtype ({', '.join(dtypes.ALL)}) or "
                f"{' or '.join(_MIXED)}."
            )
        self.name = name

    @property
    def compute_dtype(self) -> str:
        """What inputs are cast to, and outputs have."""
        return _MIXED.get(self.name, self.name)

    @property
    def variable_dtype(self) -> str:
        """What weights have."""
        return "float32" if self.name in _MIXED else self.name

    @property
    def quantization_mode(self) -> str | None:
        """How the weights of layers are quantized: None, as they are not."""
        return None

    @property
    def is_mixed(self) -> bool:
        """Whether weights have another dtype than the computation."""
        return self.compute_dtype != self.variable_dtype

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """An argument of a layer as a tensor, floats cast to `dtype` if `autocast`.

        >>> DTypePolicy("float16").convert_input(np.ones(2), True, "float16").dtype
        'float16'
        """
        from kerasish import ops

        if not hasattr(x, "__array__"):
            return x
        x = ops.convert_to_tensor(x)
        return ops.cast(x, dtype) if autocast and dtypes.is_float(x.dtype) else x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self.name}">'


class FloatDTypePolicy(DTypePolicy):
    """The older name of `DTypePolicy`."""


class QuantizedDTypePolicy(DTypePolicy):
    """The policy of a layer that was quantized: `layer.quantize("int8")`.

    Args:
        mode: "int8", for the weights that are quantized.
        source_name: the policy of all else; the global one if None.

    Raises:
        NotImplementedError: for other modes.

    >>> QuantizedDTypePolicy("int8", "float32").name
    'int8_from_float32'
    """

    def __init__(self, mode: str, source_name: str | None = None):
        if mode != "int8":
            raise NotImplementedError(
                f"{type(self).__name__}({mode!r}): of the modes of quantization only 'int8' is "
                "supported."
            )
        source = DTypePolicy(source_name)
        super().__init__(source.name)
        self._source = source
        self.mode, self.source_name = mode, source.name
        self.name = f"{mode}_from_{source.name}"

    @property
    def compute_dtype(self) -> str:
        return self._source.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """What weights that are not quantized have."""
        return self._source.variable_dtype

    @property
    def quantization_mode(self) -> str:
        """How the weights are quantized."""
        return self.mode


class _Unsupported(QuantizedDTypePolicy):
    def __init__(self, *args: Any, **kwargs: Any):
        given = next(iter((*args, *kwargs.values())), "")
        raise NotImplementedError(
            f"{type(self).__name__}({given!r}): of the modes of quantization only 'int8' is "
            "supported."
        )


class QuantizedFloat8DTypePolicy(_Unsupported):
    """8-bit floats: making one is an error that says what is supported."""


class Int4DTypePolicy(_Unsupported):
    """4 bits: making one is an error that says what is supported."""


class GPTQDTypePolicy(_Unsupported):
    """GPTQ: making one is an error that says what is supported."""


class AWQDTypePolicy(_Unsupported):
    """AWQ: making one is an error that says what is supported."""


class DTypePolicyMap(DTypePolicy, MutableMapping):
    """Policies of layers by their paths, such as "encoder/dense".

    Args:
        default_policy: of all other layers; the global policy if None.
        policy_map: path -> policy. A path may be a regular expression that matches all of it.

    >>> policies = DTypePolicyMap("float32", {"encoder/.*": "mixed_float16"})
    >>> policies["encoder/dense"].name, policies["decoder/dense"].name
    ('mixed_float16', 'float32')
    """

    def __init__(self, default_policy: Any = None, policy_map: Mapping[str, Any] | None = None):
        if policy_map is not None and not isinstance(policy_map, Mapping):
            raise TypeError(
                f"DTypePolicyMap: policy_map must be a dict of policies, but got {policy_map!r}."
            )
        self._default = None if default_policy is None else get(default_policy)
        self._policies = {path: get(policy) for path, policy in (policy_map or {}).items()}

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that nothing else is said of."""
        return config.dtype_policy() if self._default is None else self._default

    @property
    def name(self) -> str:  # type: ignore[override]
        """`map_` and the name of the default policy."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.default_policy.variable_dtype

    def __getitem__(self, path: str) -> DTypePolicy:
        """The policy of a layer.

        Raises:
            ValueError: several patterns match its path.
        """
        pattern = fitting(path, self._policies, "DTypePolicyMap")
        return self.default_policy if pattern is None else self._policies[pattern]

    def __setitem__(self, path: str, policy: Any) -> None:
        if path in self._policies:
            raise ValueError(f"DTypePolicyMap: there is already a policy for {path!r}.")
        self._policies[path] = get(policy)

    def __delitem__(self, path: str) -> None:
        del self._policies[path]

    def __contains__(self, path: object) -> bool:
        return path in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __hash__(self) -> int:
        return hash(tuple(self._policies))

    def __eq__(self, other: object) -> bool:
        return DTypePolicy.__eq__(self, other)

    def get_config(self) -> dict[str, Any]:
        default = None if self._default is None else serialize(self._default)
        policies = {path: serialize(policy) for path, policy in self._policies.items()}
        return {"default_policy": default, "policy_map": policies}

    def __repr__(self) -> str:
        return f"<DTypePolicyMap default={self.default_policy.name} {self._policies}>"


registry = Registry(
    "dtype policy",
    [
        AWQDTypePolicy,
        DTypePolicy,
        DTypePolicyMap,
        FloatDTypePolicy,
        GPTQDTypePolicy,
        Int4DTypePolicy,
        QuantizedDTypePolicy,
        QuantizedFloat8DTypePolicy,
    ],
    {"Policy": "DTypePolicy", "PolicyV1": "DTypePolicy"},  # as TensorFlow's Keras 2 calls them
    home="dtype_policies",
    callables=False,
)

_QUANTIZED = ("int8_", "int4", "float8", "gptq", "awq")


def get(identifier: Any) -> DTypePolicy:
    """The policy that `identifier` stands for.

    Args:
        identifier: None (the global policy), a policy, its name or config, or a dtype.

    >>> get("float64"), get(np.float16)
    (<DTypePolicy "float64">, <DTypePolicy "float16">)
    """
    if identifier is None:
        return config.dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        if identifier.startswith(_QUANTIZED):
            mode, _, source = identifier.partition("_from_")
            return QuantizedDTypePolicy(mode, source or None)
        return DTypePolicy(identifier)
    return DTypePolicy(dtypes.standardize(identifier))


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """A policy as plain data, in Keras 3's form.

    >>> serialize(DTypePolicy("float32"))["config"]
    {'name': 'float32'}
    """
    return serialize_keras_object(dtype_policy)


def deserialize(config: Mapping[str, Any], custom_objects: Any = None) -> DTypePolicy:
    """The policy of a config as of `serialize`."""
    return registry.deserialize(config, custom_objects)


__all__ = [
    "AWQDTypePolicy",
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "deserialize",
    "get",
    "serialize",
]

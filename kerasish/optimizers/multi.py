"""Several optimizers, each for some of the variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, NoReturn

from kerasish.graph.variable import Variable
from kerasish.optimizers.loss_scale import LossScaleOptimizer
from kerasish.optimizers.optimizer import Optimizer
from kerasish.saving.serialization import Configurable
from kerasish.utils.patterns import fitting


class OptimizerMap(Configurable, MutableMapping):
    """Patterns of variables' paths, and the optimizers for them.

    Args:
        default_optimizer: for variables that no pattern fits, or its name.
        optimizer_map: path -> optimizer. A path may be a regular expression that fits all of it.

    Raises:
        ValueError: a pattern is given twice.

    >>> table = OptimizerMap("sgd", {"encoder/.*": "adam"})
    >>> table["encoder/kernel"].name, table["decoder/kernel"].name
    ('adam', 'sgd')
    """

    def __init__(self, default_optimizer: Any, optimizer_map: Mapping[str, Any] | None = None):
        from kerasish import optimizers

        self.default_optimizer = optimizers.get(default_optimizer)
        self.optimizer_map: dict[str, Optimizer] = {}
        for pattern, optimizer in (optimizer_map or {}).items():
            self[pattern] = optimizer

    def __getitem__(self, path: str) -> Optimizer:
        """The optimizer of the variable at a path.

        Raises:
            ValueError: several patterns fit it.
        """
        pattern = fitting(path, self.optimizer_map, "OptimizerMap")
        return self.default_optimizer if pattern is None else self.optimizer_map[pattern]

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable."""
        return self[variable.path]

    def __setitem__(self, pattern: str, optimizer: Any) -> None:
        from kerasish import optimizers

        if pattern in self.optimizer_map:
            raise ValueError(f"OptimizerMap: there is an optimizer for {pattern!r} already.")
        self.optimizer_map[pattern] = optimizers.get(optimizer)

    def __delitem__(self, pattern: str) -> None:
        del self.optimizer_map[pattern]

    def __contains__(self, pattern: object) -> bool:
        return pattern in self.optimizer_map

    def __iter__(self) -> Iterator[str]:
        return iter(self.optimizer_map)

    def __len__(self) -> int:
        return len(self.optimizer_map)

    @property
    def optimizers(self) -> list[Optimizer]:
        """All of them, each once, in the order of the patterns, then the default one."""
        return _each_once([*self.optimizer_map.values(), self.default_optimizer])


class MultiOptimizer(Optimizer):
    """Leaves each variable to one of several optimizers.

    Args:
        optimizer_map: an OptimizerMap, or a function that takes a variable and returns an
            optimizer (a new one each time, or one that it keeps).
        loss_scale_factor: the one of all optimizers, in place of their own.
        name: defaults to the name of the class.

    >>> optimizer = MultiOptimizer(OptimizerMap("sgd", {".*bias": "adam"}))
    >>> [each.name for each in optimizer.optimizers]
    ['adam', 'sgd']
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        if not callable(optimizer_map):
            raise TypeError(
                "MultiOptimizer: optimizer_map must be an OptimizerMap or a function of a "
                f"variable, but got {optimizer_map!r}."
            )
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self.optimizers: list[Optimizer] = []
        if isinstance(optimizer_map, OptimizerMap):
            self.optimizers = [_single(each) for each in optimizer_map.optimizers]
        self._chosen: dict[Variable, Optimizer] = {}

    def build(self, variables: Iterable[Variable]) -> None:
        if self.built:
            self._check_known(list(variables))
            return
        super().build(variables)
        self._chosen = {v: _single(self.optimizer_map(v)) for v in self._trainable}
        self.optimizers = _each_once([*self.optimizers, *self._chosen.values()])
        for optimizer in self.optimizers:
            # The loss is scaled once, by this one.
            optimizer.loss_scale_factor = self.loss_scale_factor
            own = [v for v in self._trainable if self._chosen[v] is optimizer]
            if own:
                optimizer.build(own)

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *(v for each in self.optimizers for v in each.variables)]

    def _no_rate(self, *value: Any) -> NoReturn:
        raise AttributeError(
            "A MultiOptimizer has no learning rate of its own; see those in its `optimizers`."
        )

    learning_rate = lr = property(_no_rate, _no_rate)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] = (), var_names: Iterable[str] = ()
    ) -> None:
        """As of `Optimizer`, for all the optimizers of an OptimizerMap."""
        if not isinstance(self.optimizer_map, OptimizerMap):
            raise ValueError(
                "MultiOptimizer: expected an OptimizerMap, whose optimizers are known before "
                "build(); of those that a function returns, let it exclude variables."
            )
        variables, names = list(var_list or ()), list(var_names or ())
        for optimizer in self.optimizers:
            optimizer.exclude_from_weight_decay(variables, names)

    def _apply_traced(self, grads: list[Any], variables: list[Variable]) -> None:
        for optimizer in self.optimizers:
            pairs = [
                (g, v)
                for g, v in zip(grads, variables, strict=True)
                if self._chosen[v] is optimizer
            ]
            optimizer.apply_gradients(pairs)
        self._steps_done.assign_add(1)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        for optimizer in self.optimizers:
            own = [v for v in var_list if self._chosen.get(v) is optimizer]
            optimizer.finalize_variable_values(own)

    @property
    def averaged(self) -> list[Variable]:
        return [variable for optimizer in self.optimizers for variable in optimizer.averaged]

    def average_of(self, variable: Variable) -> Variable:
        self._check_known([variable])
        return self._chosen[variable].average_of(variable)

    def get_config(self) -> dict[str, Any]:
        names = ("name", "optimizer_map", "loss_scale_factor")
        config = super().get_config()
        return {name: config[name] for name in names}


def _each_once(optimizers: Iterable[Optimizer]) -> list[Optimizer]:
    return list({id(optimizer): optimizer for optimizer in optimizers}.values())


def _single(optimizer: Any) -> Optimizer:
    """One that changes variables by itself, as each of several must."""
    if not isinstance(optimizer, Optimizer) or isinstance(
        optimizer, (LossScaleOptimizer, MultiOptimizer)
    ):
        raise TypeError(
            "MultiOptimizer: expected optimizers for its variables, none of them a "
            f"LossScaleOptimizer (put that around all) or a MultiOptimizer, but got {optimizer!r}."
        )
    return optimizer

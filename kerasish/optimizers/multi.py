"""Several optimizers, each for some of the variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kerasish.graph.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.saving.serialization import Configurable


class OptimizerMap(Configurable):
    """Patterns of variables' paths, and the optimizers for them.

    Args:
        default_optimizer: for variables that no pattern fits, or its name.
        optimizer_map: regular expression -> optimizer; it must fit the whole path.

    Raises:
        ValueError: a pattern is given twice.

    >>> table = OptimizerMap("sgd", {"encoder/.*": "adam"})
    >>> table.optimizer_of(Variable(0.0, name="encoder/kernel")).name
    'adam'
    """

    def __init__(self, default_optimizer: Any, optimizer_map: Mapping[str, Any] | None = None):
        from kerasish import optimizers

        self.default_optimizer = optimizers.get(default_optimizer)
        self.optimizer_map: dict[str, Optimizer] = {}
        for pattern, optimizer in (optimizer_map or {}).items():
            self[pattern] = optimizer

    def __getitem__(self, pattern: str) -> Optimizer:
        return self.optimizer_map.get(pattern, self.default_optimizer)

    def __setitem__(self, pattern: str, optimizer: Any) -> None:
        from kerasish import optimizers

        if pattern in self.optimizer_map:
            raise ValueError(f"OptimizerMap: there is an optimizer for {pattern!r} already.")
        self.optimizer_map[pattern] = optimizers.get(optimizer)

    def __delitem__(self, pattern: str) -> None:
        del self.optimizer_map[pattern]

    def __iter__(self) -> Iterator[str]:
        return iter(self.optimizer_map)

    def __len__(self) -> int:
        return len(self.optimizer_map)

    @property
    def optimizers(self) -> list[Optimizer]:
        """All of them, the default one last."""
        return [*self.optimizer_map.values(), self.default_optimizer]

    def optimizer_of(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable.

        Raises:
            ValueError: several patterns fit its path.
        """
        fitting = [p for p in self.optimizer_map if re.fullmatch(p, variable.path)]
        if len(fitting) > 1:
            raise ValueError(
                f"OptimizerMap: the path {variable.path!r} fits several patterns: {fitting}."
            )
        return self[fitting[0]] if fitting else self.default_optimizer


class MultiOptimizer(Optimizer):
    """Leaves each variable to one of several optimizers.

    Args:
        optimizer_map: an OptimizerMap, or a function that takes a variable and returns an
            optimizer (a new one each time, or one that it keeps).
        loss_scale_factor: that of all optimizers, if given.
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
        if isinstance(optimizer_map, Optimizer) or not (
            isinstance(optimizer_map, OptimizerMap) or callable(optimizer_map)
        ):
            raise TypeError(
                "MultiOptimizer: optimizer_map must be an OptimizerMap or a function of a "
                f"variable, but got {optimizer_map!r}."
            )
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self.optimizers: list[Optimizer] = []
        if isinstance(optimizer_map, OptimizerMap):
            self.optimizers = optimizer_map.optimizers
        self._chosen: dict[Variable, Optimizer] = {}

    def build(self, variables: Iterable[Variable]) -> None:
        if self.built:
            self._check_known(list(variables))
            return
        super().build(variables)
        choose: Any = getattr(self.optimizer_map, "optimizer_of", self.optimizer_map)
        self._chosen = {variable: choose(variable) for variable in self._trainable}
        for optimizer in self._chosen.values():
            if not any(optimizer is known for known in self.optimizers):
                self.optimizers.append(optimizer)
        for optimizer in self.optimizers:
            if self.loss_scale_factor is not None:
                optimizer.loss_scale_factor = self.loss_scale_factor
            own = [v for v in self._trainable if self._chosen[v] is optimizer]
            if own:
                optimizer.build(own)

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *(v for each in self.optimizers for v in each.variables)]

    @property  # type: ignore[misc]
    def learning_rate(self) -> Any:
        raise AttributeError(
            "A MultiOptimizer has no learning rate of its own; see those in its `optimizers`."
        )

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

    def average_of(self, variable: Variable) -> Variable:
        self._check_known([variable])
        return self._chosen[variable].average_of(variable)

    def get_config(self) -> dict[str, Any]:
        names = ("name", "optimizer_map", "loss_scale_factor")
        config = super().get_config()
        return {name: config[name] for name in names}

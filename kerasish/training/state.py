"""The state of a model in training as nested dicts, and the loss without side effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph import trace
from kerasish.graph.variable import Variable

VALUE_FORMATS = ("backend_tensor", "numpy_array")


class State:
    """The part of Trainer that hands out, and takes in, all values that training changes."""

    name: str
    optimizer: Any
    trainable_variables: list[Variable]
    non_trainable_variables: list[Variable]
    compute_loss: Callable[..., Any]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The states of the metrics."""
        found = [variable for metric in self.metrics for variable in metric.variables]  # type: ignore[attr-defined]
        return list(dict.fromkeys(found))

    def _state_groups(self) -> dict[str, list[Variable]]:
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": self.optimizer.variables if self.optimizer is not None else [],
            "metrics_variables": self.metrics_variables,
        }

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """All values that training changes, as dicts nested by the paths of the variables.

        Args:
            value_format: "backend_tensor" for tensors, "numpy_array" for arrays.

        Returns:
            A dict with the keys `trainable_variables`, `non_trainable_variables`,
            `optimizer_variables` and `metrics_variables`.

        Example:
            >>> from kerasish import layers, models
            >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1, name="d")], name="m")
            >>> model.compile("sgd", "mse")
            >>> sorted(model.get_state_tree()["trainable_variables"]["d"])
            ['bias', 'kernel']
        """
        if value_format not in VALUE_FORMATS:
            raise ValueError(
                f"get_state_tree: value_format must be one of {VALUE_FORMATS}, but got "
                f"{value_format!r}."
            )
        result: dict[str, Any] = {}
        for group, variables in self._state_groups().items():
            result[group] = {}
            for variable in variables:
                *parents, last = variable.path.split("/")
                branch = result[group]
                for parent in parents:
                    branch = branch.setdefault(parent, {})
                value = np.asarray(variable.numpy())
                branch[last] = value if value_format == "numpy_array" else ops.array(value)
        return result

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Sets the values that the result of `get_state_tree` has; others stay.

        Args:
            state_tree: as `get_state_tree` returns it; groups and branches may be missing.

        Raises:
            ValueError: for a key that the model has no variable for.
        """
        groups = self._state_groups()
        for group, branch in state_tree.items():
            if group not in groups:
                raise ValueError(
                    f"set_state_tree: there is no {group!r}; the keys are {sorted(groups)}."
                )
            known = {variable.path: variable for variable in groups[group]}
            for path, value in _leaves_of(branch, ""):
                if path not in known:
                    raise ValueError(
                        f"set_state_tree: model {self.name} has no {path!r} among its {group}: "
                        f"{sorted(known)}."
                    )
                known[path].set_value(np.asarray(value))

    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, tuple[list[Any], list[Any], list[Any]]]:
        """`compute_loss` with other values of the variables; the model itself stays as it is.

        Args:
            trainable_variables: values for `trainable_variables`.
            non_trainable_variables: values for `non_trainable_variables`.
            metrics_variables: values for `metrics_variables`.
            x: see `compute_loss`, as for what follows.
            y: the targets.
            y_pred: the predictions.
            sample_weight: weights.
            training: whether it is for training.

        Returns:
            The loss, and the values of the three groups after it.
        """
        groups = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
        values = (trainable_variables, non_trainable_variables, metrics_variables)
        with trace.Trace(training=training) as effects:
            for variables, new in zip(groups, values, strict=True):
                for variable, value in zip(variables, new, strict=True):
                    variable.assign(value)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training)
        after = [[effects.updates[variable] for variable in variables] for variables in groups]
        return loss, (after[0], after[1], after[2])


def _leaves_of(branch: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(branch, dict):
        return [(path, branch)]
    parts = [_leaves_of(item, f"{path}/{key}" if path else key) for key, item in branch.items()]
    return [leaf for part in parts for leaf in part]

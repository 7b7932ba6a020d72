"""Knowledge distillation: a small model learns from a large one, and from data.

distiller = Distiller(teacher, student, LogitsDistillation(temperature=2.0))
distiller.compile("adam", loss="sparse_categorical_crossentropy")
distiller.fit(x, y)
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from kerasish import losses, ops, tree
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.metrics import Mean
from kerasish.models import Model
from kerasish.saving.serialization import Configurable, Registry

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]


class DistillationLoss(Configurable):
    """How far a student is from its teacher; one of one's own defines `compute_loss`.

    >>> class Distance(DistillationLoss):
    ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
    ...         return ops.mean(ops.abs(teacher_outputs - student_outputs))
    >>> float(Distance().compute_loss(np.ones((2, 3)), np.zeros((2, 3))))
    1.0
    """

    # The layers whose outputs are compared; None for those of the models.
    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss of one batch, a scalar.

        Args:
            teacher_outputs: the teacher's outputs (batch, ...), nested as it has them.
            student_outputs: the student's.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define compute_loss(teacher_outputs, student_outputs)."
        )

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises ValueError if the outputs are not nested alike."""
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        """Raises ValueError if the models can't be compared so. `Distiller` asks for it."""

    def _summed(self, loss: Any, teacher_outputs: Any, student_outputs: Any) -> Tensor:
        """The sum of the losses of the outputs, each averaged.

        Args:
            loss: one for all outputs, or nested as they are, with None for those that don't count.
        """
        self.validate_outputs(teacher_outputs, student_outputs)
        true, pred = tree.flatten(teacher_outputs), tree.flatten(student_outputs)
        each = tree.flatten(loss) if tree.is_nested(loss) else [loss] * len(true)
        if len(each) != len(true):
            raise ValueError(
                f"{type(self).__name__}: expected a loss for each of {len(true)} outputs, but loss "
                f"has {len(each)}."
            )
        terms = [
            ops.mean(self._compared(function, t, p))
            for function, t, p in zip(each, true, pred, strict=True)
            if function is not None
        ]
        return sum(terms[1:], start=terms[0])

    def _compared(self, loss: Any, true: Any, pred: Any) -> Any:
        return loss(true, pred)


def _as_losses(loss: Any, owner: DistillationLoss) -> Any:
    found = tree.map_structure(losses.get, loss)
    if all(item is None for item in tree.flatten(found)):
        raise ValueError(f"{type(owner).__name__}: loss must name a loss, but got {loss!r}.")
    return found


class LogitsDistillation(DistillationLoss):
    """Compares the outputs of the models, which are to be logits, at a temperature.

    Args:
        temperature: both outputs are divided by it: the higher it is, the more the classes count
            that the teacher finds unlikely.
        loss: name, Loss or function (teacher, student); for models with several outputs a list or
            dict of them, nested as the outputs, of which the sum is taken. "kl_divergence"
            compares the softmax of the outputs, and is multiplied by temperature². (Keras 3.15
            does so for `losses.KLDivergence()` only; from the name, which is its default, it
            computes the divergence of the logits themselves, which are no probabilities.)

    Raises:
        ValueError: the temperature is not above 0, or no loss was given.

    Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.

    >>> loss = LogitsDistillation(temperature=2.0)
    >>> loss.compute_loss(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]])).numpy().round(3)
    np.float64(0.444)
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence"):
        number = isinstance(temperature, Real) and not isinstance(temperature, bool)
        if not number or temperature <= 0:
            raise ValueError(
                "LogitsDistillation: temperature must be a number above 0, but got "
                f"{temperature!r}."
            )
        self.temperature = temperature
        self.loss = _as_losses(loss, self)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss of one batch of logits, nested as the models' outputs: a scalar."""
        return self._summed(self.loss, teacher_outputs, student_outputs)

    def _compared(self, loss: Any, true: Any, pred: Any) -> Any:
        true, pred = (ops.divide(x, self.temperature) for x in (true, pred))
        if loss is not losses.kl_divergence and not isinstance(loss, losses.KLDivergence):
            return loss(true, pred)
        # The gradients shrink with the temperature's square.
        return loss(ops.softmax(true), ops.softmax(pred)) * self.temperature**2


class FeatureDistillation(DistillationLoss):
    """Compares what a layer of each model computes, or the outputs of the models.

    Args:
        loss: name, Loss or function (teacher, student); for several outputs a list or dict of
            them, of which the sum is taken.
        teacher_layer_name: the layer of the teacher; None for its outputs.
        student_layer_name: the layer of the student; None for its outputs.

    Raises:
        ValueError: no loss was given.

    Source: Romero et al., "FitNets: Hints for Thin Deep Nets", 2015.

    >>> loss = FeatureDistillation("mse", "conv3", "conv1")
    >>> float(loss.compute_loss(np.ones((2, 4)), np.zeros((2, 4))))
    1.0
    """

    def __init__(
        self,
        loss: Any = "mse",
        teacher_layer_name: str | None = None,
        student_layer_name: str | None = None,
    ):
        self.loss = _as_losses(loss, self)
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name

    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        """Raises ValueError if one of the models has no layer of the name."""
        named = {"teacher": self.teacher_layer_name, "student": self.student_layer_name}
        for (role, name), model in zip(named.items(), (teacher, student), strict=True):
            if name is None:
                continue
            if not model.inputs:
                raise ValueError(
                    f"FeatureDistillation: {role}_layer_name={name!r} needs a Sequential or "
                    f"functional {role} with known inputs, but model {model.name} is a "
                    f"{type(model).__name__}. Leave the name out to compare the outputs."
                )
            if name not in [layer.name for layer in model.layers]:
                raise ValueError(
                    f"FeatureDistillation: the {role} {model.name} has no layer {name!r}. It has "
                    f"{[layer.name for layer in model.layers]}."
                )

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss of one batch of what the layers compute: a scalar."""
        return self._summed(self.loss, teacher_outputs, student_outputs)


class Distiller(Model):
    """Trains a student on data and on what a teacher makes of them.

    The loss is student_loss_weight × the loss of `compile` + (1 - student_loss_weight) × the
    weighted sum of the distillation losses; a part of weight 0 is not computed. Beside it, the
    logs have both as `student_loss` and `distillation_loss`, and `total_loss`. Sample weights
    and the student's regularizers belong to the first part (Keras 3.15 leaves them out).
    Predictions are the student's; save that with `distiller.student.save(...)`.

    Args:
        teacher: a trained model. From here on it is not trainable.
        student: the model to be trained, for the same inputs and with the same outputs.
        distillation_losses: a DistillationLoss or a list of them.
        distillation_loss_weights: a number or one per distillation loss; all 1 if None.
        student_loss_weight: from 0 to 1.
        name: of this model.

    Raises:
        ValueError: the models don't fit each other or a loss, or the weights don't.

    Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.

    Example:
        >>> from kerasish import Sequential, layers
        >>> teacher = Sequential([layers.Input((4,)), layers.Dense(64, "relu"), layers.Dense(3)])
        >>> student = Sequential([layers.Input((4,)), layers.Dense(3)])
        >>> distiller = Distiller(teacher, student, LogitsDistillation(2.0))
        >>> loss = losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> distiller.compile("adam", loss)
        >>> history = distiller.fit(np.ones((8, 4)), np.arange(8) % 3, verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss', 'total_loss']
    """

    def __init__(
        self,
        teacher: Model,
        student: Model,
        distillation_losses: DistillationLoss | Sequence[DistillationLoss],
        distillation_loss_weights: float | Sequence[float] | None = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if not isinstance(student_loss_weight, Real) or not 0 <= student_loss_weight <= 1:
            raise ValueError(
                "Distiller: student_loss_weight must be a number from 0 to 1, but got "
                f"{student_loss_weight!r}."
            )
        for role, model in (("teacher", teacher), ("student", student)):
            if not isinstance(model, Model):
                raise ValueError(f"Distiller: the {role} must be a Model, but got {model!r:.80}.")
        _check_shapes(teacher, student)
        self.teacher: Model = teacher
        self.student: Model = student
        teacher.trainable = False
        self.student_loss_weight: float = student_loss_weight
        self.distillation_losses: list[Any] = _listed(distillation_losses)
        for loss in self.distillation_losses:
            if not isinstance(loss, DistillationLoss):
                raise ValueError(
                    f"Distiller: distillation_losses must be DistillationLosses, but got "
                    f"{loss!r:.80}. LogitsDistillation(loss=...) makes one of a loss."
                )
            loss.validate_model_compatibility(teacher, student)
        count = len(self.distillation_losses)
        given = distillation_loss_weights
        weights = [1.0] * count if given is None else _listed(given)
        if not count or len(weights) != count:
            raise ValueError(
                "Distiller: expected at least one distillation loss and a weight for each, but "
                f"got {count} loss(es) and distillation_loss_weights={given!r}."
            )
        self.distillation_loss_weights: list[float] = weights
        self.student_loss_tracker: Mean = Mean(name="student_loss")
        self.distillation_loss_tracker: Mean = Mean(name="distillation_loss")
        self.total_loss_tracker: Mean = Mean(name="total_loss")

    def build(self, input_shape: Any) -> None:
        """Builds the models, for the same inputs."""
        for model in (self.teacher, self.student):
            if not model.built:
                model._build(input_shape)

    def compile(  # type: ignore[override]
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Says how to train the student.

        Args:
            optimizer: as for other models.
            loss: of the student's outputs and the targets.
            metrics: likewise.
            **kwargs: further arguments of `compile` of other models.

        Raises:
            ValueError: there is no loss, though `student_loss_weight` is not 0.
        """
        if loss is None and self.student_loss_weight > 0:
            raise ValueError(
                "Distiller.compile needs the student's loss. To train on the teacher alone, make "
                "the Distiller with student_loss_weight=0."
            )
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compiles the model as a file says. Those of Keras 3 don't say with which loss."""
        if config.get("loss") is None and self.student_loss_weight > 0:
            warnings.warn(
                f"Model {self.name}: the file lacks the student's loss, as Keras 3 leaves it out. "
                "Compile the model again to go on with its training.",
                stacklevel=2,
            )
        else:
            super().compile_from_config(config)

    @property
    def output_names(self) -> list[str]:
        """The names of the student's outputs."""
        return self.student.output_names

    def call(  # type: ignore[override]
        self, inputs: Any, training: bool | None = None, **kwargs: Any
    ) -> Any:
        """The student's outputs."""
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The weighted sum of the student's loss and the distillation losses for one batch."""
        share = self.student_loss_weight
        student = distillation = ops.zeros(())
        # The student's first: the losses that layers of the teacher add are no part of it.
        if share > 0:
            student = super().compute_loss(x, y, y_pred, sample_weight, training)
        if share < 1:
            distillation = self._distillation(x, y_pred, training)
        total = share * student + (1 - share) * distillation
        size = ops.cast(ops.shape(tree.flatten(x)[0])[0], "float32")
        self.student_loss_tracker.update_state(student, sample_weight=size)
        self.distillation_loss_tracker.update_state(distillation, sample_weight=size)
        self.total_loss_tracker.update_state(total, sample_weight=size)
        return total

    def _distillation(self, x: Any, y_pred: Any, training: bool) -> Any:
        known = [
            (loss.teacher_layer_name, loss.student_layer_name) for loss in self.distillation_losses
        ]
        of_teacher, of_student = (list(dict.fromkeys(names)) for names in zip(*known, strict=True))
        taught = _outputs_of(self.teacher, of_teacher, x, training=False)
        named = [name for name in of_student if name is not None]
        learnt = {None: y_pred, **_outputs_of(self.student, named, x, training=training)}
        total = 0.0
        for loss, weight in zip(
            self.distillation_losses, self.distillation_loss_weights, strict=True
        ):
            pair = taught[loss.teacher_layer_name], learnt[loss.student_layer_name]
            total = total + weight * loss.compute_loss(*pair)
        return total


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _check_shapes(teacher: Model, student: Model) -> None:
    """Where both models know their inputs, these and the outputs must have the same shapes."""
    if not teacher.inputs or not student.inputs:
        return
    for what in ("inputs", "outputs"):
        ours = [x.shape for x in getattr(teacher, what)]
        theirs = [x.shape for x in getattr(student, what)]
        if len(ours) != len(theirs) or not all(map(compatible, ours, theirs)):
            raise ValueError(
                f"Distiller: teacher and student must have {what} of the same shapes, but the "
                f"teacher's are {', '.join(map(format_shape, ours))}, the student's "
                f"{', '.join(map(format_shape, theirs))}."
            )


def _outputs_of(
    model: Model, names: Sequence[str | None], x: Any, training: bool
) -> dict[str | None, Any]:
    """What layers of a model compute for x, by their names; None stands for its outputs."""
    if not names:
        return {}
    if list(names) == [None]:
        return {None: model(x, training=training)}
    ends = {
        str(i): model.output if name is None else model.get_layer(name).output
        for i, name in enumerate(names)
    }
    found = Model(model.input, ends)(x, training=training)
    return {name: found[str(i)] for i, name in enumerate(names)}


registry = Registry(
    "distillation",
    [Distiller, FeatureDistillation, LogitsDistillation],
    home="distillation",
    callables=False,
)

"""EinsumDense: a fully connected layer whose product is an Einstein sum."""

from __future__ import annotations

from typing import Any

from kerasish import activations, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.quantized import Quantizable


class EinsumDense(Quantizable):
    """A fully connected layer over axes of choice: activation(einsum(inputs, kernel) + bias).

    Args:
        equation: the axes of the inputs, of the kernel and of the outputs, a letter for each, as
            in "abc,cd->abd". `...` in inputs and outputs stands for any number of axes.
        output_shape: the sizes of the outputs without the batch axis, and without those of
            `...`; an int for one. None where a size is that of the inputs.
        activation: name or function, none if None.
        bias_axes: the letters of the axes of the outputs that have a bias each, as in "d"; no
            bias if None.
        kernel_initializer: of the kernel.
        bias_initializer: of the bias.
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.
        quantization_config: of a layer that is made of the config of a quantized one.

    Shapes:
        as the equation says

    >>> EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    _table = "kernel"

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._keep_quantization(quantization_config)
        self.equation = equation
        sizes = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.partial_output_shape = sizes
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self._keep_rules("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._keep_rules("bias", bias_initializer, bias_regularizer, bias_constraint)
        self._letters = _split(equation)
        unknown = set(bias_axes or "") - set(self._letters[2])
        if unknown:
            raise ValueError(
                f"EinsumDense: bias_axes={bias_axes!r} must be axes of the outputs of "
                f"{equation!r}, but {sorted(unknown)[0]!r} is not."
            )

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias."""
        inputs, kernel, outputs = self._letters
        dots = len(input_shape) - len(inputs) + 1
        self._all_letters = tuple(_spelled_out(x, dots) for x in self._letters)
        sizes = _sizes_of(inputs, input_shape, self._where(input_shape))
        sizes |= self._output_sizes(outputs, sizes)
        unknown = [letter for letter in kernel if sizes.get(letter) is None]
        if unknown:
            raise ValueError(
                f"{self._where(input_shape)} the size of axis {unknown[0]!r} of the kernel is not "
                "known from the inputs, nor from output_shape."
            )
        self._add_table(tuple(sizes[letter] for letter in kernel))  # type: ignore[misc]
        self.bias = None
        if self.bias_axes:
            from_first = outputs[min(outputs.index(letter) for letter in self.bias_axes) :]
            shape = [sizes[x] if x in self.bias_axes else 1 for x in from_first if x != "."]
            if "." in from_first:
                shape += [1] * (len(input_shape) - len(inputs) + 1)
            self.bias = self.add_weight(name="bias", shape=shape)

    def _where(self, input_shape: Any) -> str:
        return (
            f"Layer {self.name} (EinsumDense, equation={self.equation!r}, output_shape="
            f"{self.partial_output_shape}), inputs of shape {format_shape(input_shape)}:"
        )

    def _output_sizes(self, outputs: str, sizes: dict[str, int | None]) -> dict[str, Any]:
        """The sizes that output_shape gives; they must agree with those of the inputs."""
        named = outputs.replace(".", "")
        given = self.partial_output_shape
        if "." not in outputs or outputs[0] != ".":
            named = named[1:]  # the batch axis
        if len(named) != len(given):
            raise ValueError(
                f"EinsumDense: the outputs of {self.equation!r} have {len(named)} sizes without "
                f"those of the batch and of `...`, but output_shape is {given}."
            )
        found = {}
        for letter, size in zip(named, given, strict=True):
            other = sizes.get(letter)
            if None not in (size, other) and size != other:
                raise ValueError(
                    f"EinsumDense: in {self.equation!r} axis {letter!r} has size {other} in the "
                    f"inputs, but {size} in output_shape={given}."
                )
            found[letter] = other if size is None else size
        return found

    def call(self, inputs: Tensor) -> Tensor:
        """The Einstein sum with the kernel, plus the bias, through the activation."""
        outputs = ops.einsum(self.equation, self._rounded_here(inputs), self._table_now())
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def _reduced_axes(self) -> tuple[int, ...]:
        _, kernel, outputs = self._all_letters
        return tuple(i for i, letter in enumerate(kernel) if letter not in outputs)

    def _rounded_here(self, inputs: Tensor) -> Tensor:
        if self.quantization_mode is None:
            return inputs
        letters, _, outputs = self._all_letters
        axes = tuple(i for i, letter in enumerate(letters) if letter not in outputs)
        return self._rounded(inputs, axes)

    def _stored_scale(self, scale: Any) -> Any:
        # As the outputs lie, so that these could be divided by it.
        _, kernel, outputs = self._all_letters
        kept = [letter for letter in kernel if letter in outputs]
        found = super()._stored_scale(scale)
        order = sorted(range(len(kept)), key=lambda i: outputs.index(kept[i]))
        sizes = [found.shape[kept.index(x)] if x in kept else 1 for x in outputs]
        return ops.reshape(ops.transpose(found, order), sizes)

    def _spread_scale(self, scale: Tensor) -> Tensor:
        _, kernel, outputs = self._all_letters
        kept = [letter for letter in outputs if letter in kernel]
        found = ops.squeeze(scale, [i for i, x in enumerate(outputs) if x not in kernel])
        found = ops.transpose(found, [kept.index(x) for x in kernel if x in kept])
        return super()._spread_scale(found)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"output_shape": self.partial_output_shape}


def _split(equation: str) -> tuple[str, str, str]:
    """The letters of inputs, kernel and outputs; "." for an ellipsis."""
    terms, arrow, outputs = equation.replace(" ", "").replace("...", ".").partition("->")
    inputs, comma, kernel = terms.partition(",")
    if not (arrow and comma and inputs and kernel and outputs) or "." in kernel:
        raise ValueError(
            "EinsumDense: equation must name the axes of the inputs, the kernel and the outputs, "
            f"as 'ab,bc->ac' does, but got {equation!r}."
        )
    return inputs, kernel, outputs


def _spelled_out(letters: str, count: int) -> str:
    """Letters with those of an ellipsis, as Greek ones, for that many axes."""
    return letters.replace(".", "".join(chr(ord("\u0391") + i) for i in range(count)))


def _sizes_of(letters: str, shape: Any, where: str) -> dict[str, int | None]:
    """letter -> size, with the axes of an ellipsis left out."""
    before, ellipsis, after = letters.partition(".")
    rank = len(shape)
    fits = len(before + after) <= rank if ellipsis else len(letters) == rank
    if not fits:
        raise ValueError(f"{where} {rank} axes do not fit {letters.replace('.', '...')!r}.")
    sizes = dict(zip(before, shape, strict=False))
    return sizes | dict(zip(after, shape[rank - len(after) :], strict=True))

"""What the models of `kerasish.applications` share: their arguments, and a few blocks."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from kerasish import config, layers
from kerasish.applications.imagenet_utils import CLASSES
from kerasish.applications.published import FILES, File, published_file
from kerasish.compat.older_utils import get_source_inputs
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

POOLINGS = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}

# Of every model's documentation.
COMMON = """
    Args:
        include_top: whether the layers that classify stand at the end.
        weights: "imagenet" for those that were trained on ImageNet, which are downloaded to
            `<KERAS_HOME>/models` unless they are there; None for new ones; or the path of a file.
        input_tensor: what to begin with instead of an Input of the model's own, (batch, height,
            width, channels).
        input_shape: (height, width, channels), or (channels, height, width) where `keras.json`
            says "channels_first". {sizes}
        pooling: without the top, "avg" or "max" to end with the mean or maximum of each channel;
            None to end with the image of the last layer.
        classes: how many the top tells apart; {classes} with the weights "imagenet".
        classifier_activation: of the last layer; None for logits.{own}
        name: of the model.

    Returns:
        A model, not compiled. Its outputs are (batch, classes) with the top, else (batch,
        channels) with pooling, else (batch, height, width, channels).

    Raises:
        ValueError: for arguments that are not of these kinds, or do not go together.
        DownloadError: if the weights are neither there nor to be had.

    Source:
        {paper}
"""


def documentation(
    about: str, size: int, smallest: int, own: str = "", static: bool | None = None
) -> str:
    """The docstring of a model's function.

    Args:
        about: a sentence, a blank line, and the paper.
        size: of the images that it was trained on.
        smallest: that it can take.
        own: a line for each argument of its own, in the order of the signature.
        static: whether sizes must be known; with the top only if None.
    """
    what, _, paper = about.partition("\n\n")
    sizes = {
        None: f"Sizes are {size} with the top if it is None",
        True: f"Sizes are {size} if it is None",
        False: "Sizes need not be known",
    }[static]
    own = "".join(f"\n        {line}" for line in own.splitlines())
    sizes += f"; the smallest is {smallest}."
    return what + "\n" + COMMON.format(sizes=sizes, classes=CLASSES, own=own, paper=paper)


@dataclass(frozen=True)
class Request:
    """What the caller of a model's function wants. Making one checks it.

    Attributes:
        title: the name of the function.
        name: of the model; the next nine are the arguments that all of the functions have.
        size: of the images that the model was trained on.
        smallest: size of images that it can take.
        static: whether the sizes of images must be known; with the top only if None.
    """

    title: str
    name: str | None
    include_top: bool
    weights: str | os.PathLike[str] | None
    input_tensor: Any
    input_shape: Any
    pooling: str | None
    classes: int
    classifier_activation: Any
    size: int = 224
    smallest: int = 32
    static: bool | None = None

    def __post_init__(self) -> None:
        if not self.trained and self.weights is not None and not _is_file(self.weights):
            raise self._error(
                "weights",
                "None for new ones, 'imagenet' for the published ones, or the path of a file "
                "that exists",
            )
        if self.pooling not in (None, *POOLINGS):
            raise self._error("pooling", "None, 'avg' or 'max'")
        if isinstance(self.classes, bool) or not isinstance(self.classes, int) or self.classes < 1:
            raise self._error("classes", "a positive integer")
        if self.trained and self.include_top:
            if self.classes != CLASSES:
                raise self._error("classes", f"{CLASSES} with the top that ImageNet trained")
            if self.classifier_activation not in (None, "softmax"):
                raise self._error(
                    "classifier_activation", "'softmax' or None with the top that ImageNet trained"
                )
        if self.input_shape is not None:
            self._check_shape()

    @property
    def trained(self) -> bool:
        """Whether the published weights are wanted."""
        return self.weights == "imagenet"

    def _error(self, argument: str, expected: str) -> ValueError:
        got = getattr(self, argument)
        return ValueError(f"{self.title}({argument}=...) must be {expected}; got {got!r}.")

    def _check_shape(self) -> None:
        shape = self.input_shape
        first = channels_first()
        form = "(channels, height, width)" if first else "(height, width, channels)"
        if not isinstance(shape, (tuple, list)) or len(shape) != 3:
            raise self._error("input_shape", form)
        sizes, channels = (shape[1:], shape[0]) if first else (shape[:2], shape[2])
        if any(n is not None and (not isinstance(n, int) or n < self.smallest) for n in sizes):
            raise self._error(
                "input_shape", f"{form} of at least {self.smallest} x {self.smallest} pixels"
            )
        if self.trained and channels != 3:
            raise self._error("input_shape", f"{form} with 3 channels for the trained weights")
        if self._static and None in sizes:
            raise self._error("input_shape", f"{form} in numbers")
        fits = tuple(sizes) == (self.size, self.size) or self.static is False
        if self.trained and self.include_top and not fits:
            raise self._error(
                "input_shape",
                f"{form} of {self.size} x {self.size} pixels with the top that ImageNet trained",
            )

    @property
    def _static(self) -> bool:
        return self.include_top if self.static is None else self.static

    def check_width(self, alpha: Any, trained: Collection[float]) -> None:
        """Raises ValueError if a model can't be that wide.

        Args:
            alpha: what numbers of channels are multiplied with.
            trained: those with published weights.
        """
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or alpha <= 0:
            raise ValueError(f"{self.title}(alpha=...) must be a positive number; got {alpha!r}.")
        if self.trained and alpha not in trained:
            widths = ", ".join(map(str, trained))
            raise ValueError(
                f"{self.title}(alpha=...) must be one of {widths} for the trained weights; "
                f"got {alpha!r}."
            )

    @property
    def rows(self) -> int | None:
        """The height of the images, by which MobileNets are called; None if it is not known."""
        if self.trained:
            return self.size
        if self.input_shape is not None:
            return self.input_shape[1 if channels_first() else 0]
        return self.size if self.include_top else None

    def image(self) -> Tensor:
        """Where the model begins."""
        tensor = self.input_tensor
        if tensor is None:
            shape = self.input_shape
            if shape is None:
                size = self.size if self._static else None
                shape = (3, size, size) if channels_first() else (size, size, 3)
            return layers.Input(tuple(shape))
        if not isinstance(tensor, Tensor) or not tensor.is_symbolic or len(tensor.shape) != 4:
            what = (
                f"a tensor of shape {format_shape(tensor.shape)}"
                if isinstance(tensor, Tensor)
                else type(tensor).__name__
            )
            raise ValueError(
                f"{self.title}(input_tensor=...) must be an Input of images or what layers made "
                f"of one, (batch, height, width, channels); got {what}."
            )
        if self.input_shape not in (None, tuple(tensor.shape[1:]), list(tensor.shape[1:])):
            raise ValueError(
                f"{self.title}: input_tensor has the shape {format_shape(tensor.shape)}, which "
                f"input_shape={self.input_shape} is not without the batch."
            )
        return tensor

    def classified(self, x: Tensor, name: str = "predictions", **options: Any) -> Tensor:
        """The last layer of most: Dense with a softmax."""
        activation = self.classifier_activation
        return layers.Dense(self.classes, activation=activation, name=name, **options)(x)

    def pooled(self, x: Tensor, named: bool = True) -> Tensor:
        """The end of a model without its top.

        Args:
            x: the last image.
            named: whether the layer is "avg_pool" or "max_pool", or has a name by its class.
        """
        if self.pooling is None:
            return x
        return POOLINGS[self.pooling](name=f"{self.pooling}_pool" if named else None)(x)

    def ended(self, x: Tensor, named: bool = True) -> Tensor:
        """The end of most models: the mean of each channel, and what it says.

        Args:
            x: the last image.
            named: as in `pooled`.
        """
        if not self.include_top:
            return self.pooled(x, named)
        return self.classified(layers.GlobalAveragePooling2D(name="avg_pool")(x))

    def model(
        self, image: Tensor, output: Tensor, file: File | None = None, name: str = ""
    ) -> Model:
        """The model, with its weights.

        Args:
            image: where it begins.
            output: where it ends.
            file: of the published weights; that of `title` if None.
            name: of the model if the caller gave none.
        """
        inputs: Any = image
        if self.input_tensor is not None:
            sources = get_source_inputs(self.input_tensor)
            inputs = sources[0] if len(sources) == 1 else sources
        model = Model(inputs, output, name=self.name or name or None)
        if self.trained:
            model.load_weights(published_file(file or FILES[self.title], self.include_top))
        elif self.weights is not None:
            model.load_weights(self.weights)
        return model


def _is_file(path: Any) -> bool:
    return isinstance(path, (str, os.PathLike)) and os.path.isfile(path)


class Maker(Protocol):
    """A function that makes a model."""

    def __call__(
        self,
        include_top: bool = True,
        weights: str | os.PathLike[str] | None = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = CLASSES,
        classifier_activation: Any = "softmax",
        name: str | None = ...,
    ) -> Model: ...


def member(
    build: Callable[..., Model],
    title: str,
    about: str,
    table: Any,
    name: str | None = None,
    size: int = 224,
    smallest: int = 32,
    module: str | None = None,
) -> Maker:
    """The function of one model of a family that has the usual arguments.

    Args:
        build: makes a model from a `Request` and `table`.
        title: name of the function.
        about: a sentence, a blank line, and the paper.
        table: in what it differs from the others of its family.
        name: of the model; the title in small letters if None.
        size: of the images that it was trained on.
        smallest: size of images that it can take.
        module: that shows it; the one of `build` if None.
    """

    def make(
        include_top: bool = True,
        weights: str | os.PathLike[str] | None = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = CLASSES,
        classifier_activation: Any = "softmax",
        name: str | None = name or title.lower(),
    ) -> Model:
        request = Request(
            title,
            name,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            size,
            smallest,
        )
        return build(request, table)

    text = documentation(about, size, smallest)
    return named(make, module or build.__module__, title, text)


def named(make: Any, module: str, title: str, text: str) -> Any:
    """A function that another made, under the name that it is known by."""
    make.__module__, make.__doc__ = module, text
    make.__name__ = make.__qualname__ = title
    return make


# ---------------------------------------------------------------- blocks


def channels_first() -> bool:
    """Whether `keras.json` puts the channels first."""
    return config.image_data_format() == "channels_first"


def channel_axis() -> int:
    """The axis of the channels in a batch of images."""
    return 1 if channels_first() else 3


def first_axis() -> int:
    """The same axis, counted from the end where it is the last."""
    return 1 if channels_first() else -1


def channels_of(x: Tensor) -> int:
    """How many channels a batch of images has."""
    number = x.shape[channel_axis()]
    if number is None:
        raise ValueError(
            f"The number of channels must be known, but an image has {format_shape(x.shape)}."
        )
    return number


def padded(x: Tensor, kernel: int, name: str | None = None) -> Tensor:
    """An image with borders for a convolution of stride 2 without padding.

    They are such that its result is that of TensorFlow's padding "same": an even size gets one
    pixel less on its near side.

    Args:
        x: a batch of images.
        kernel: size of the convolution.
        name: of the layer.
    """
    half = kernel // 2
    sizes = x.shape[2:] if channels_first() else x.shape[1:3]
    near = [half if n is not None and n % 2 else half - 1 for n in sizes]
    return layers.ZeroPadding2D(tuple((n, half) for n in near), name=name)(x)


def square_size(shape: Any, trained: Collection[int]) -> int:
    """The size of images for which weights were trained: the usual 224 if it is none of these."""
    if isinstance(shape, (tuple, list)) and len(shape) == 3:
        height, width = shape[1:] if channels_first() else shape[:2]
        if height == width and height in trained:
            return height
    return 224


def rounded(number: float, least: float = 0.9) -> int:
    """A number of channels as a multiple of 8.

    Args:
        number: what it would be.
        least: the share of that which it has at least; else it is the next multiple.

    >>> rounded(11.2), rounded(19.2), rounded(19.2, least=0)
    (16, 24, 16)
    """
    result = max(8, int(number + 4) // 8 * 8)
    return result + 8 if result < least * number else result

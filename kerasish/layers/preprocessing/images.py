"""What layers that change images have in common: batches and single images, labels, boxes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from kerasish import ops, tree
from kerasish.graph import dtypes, trace
from kerasish.graph.function import Function
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import Dim
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.preprocessing import boxes
from kerasish.layers.preprocessing.base import DataLayer, has_symbolic, is_in_dataset
from kerasish.ops import random
from kerasish.utils.box_formats import from_corners, to_corners

Transformation = dict[str, Any]


class ImageLayer(DataLayer):
    """Changes images, and what belongs to them.

    It takes one image or a batch of them; or a dict with "images" and any of "labels",
    "bounding_boxes" ({"boxes": (batch, n, 4), "labels": (batch, n)}) and "segmentation_masks"
    (the shape of the images with 1 channel). Subclasses write what becomes of each, for
    batches: `transform_images` and, where it is not nothing, the others.

    Args:
        bounding_box_format: of the boxes, if there are any: "xyxy" (left, top, right, bottom),
            "yxyx", "xywh", "center_xywh", "center_yxhw", each in pixels; or "rel_xyxy" and so
            on, in shares of the image.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
    """

    # Whether it acts while training only. Called by itself, a layer acts as if training.
    only_training = True

    def __init__(
        self, *, bounding_box_format: Any = None, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        what = type(self).__name__
        self.bounding_box_format = boxes.checked_format(bounding_box_format, what)
        self.data_format = checked_format(data_format, what)
        self.built = True
        # What was traced for data, by kind; not part of copies.
        self._eager: dict[Any, Any] | None = None

    # --- what subclasses write -----------------------------------------------------------

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """What is drawn for a batch; all `transform_...` of the batch take it.

        Args:
            data: the images, or a dict with them.
            training: False for what happens otherwise.
            seed: a SeedGenerator; the layer's own if None.
        """
        return {}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """What becomes of a batch of images."""
        raise NotImplementedError

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """What becomes of the labels of a batch."""
        return labels

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """What becomes of the boxes of a batch, given in the layer's format."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """What becomes of the masks of a batch."""
        return segmentation_masks

    # --- calling it ----------------------------------------------------------------------

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(data, dict):
            return super().__call__(data, *args, **kwargs)
        if isinstance(data.get("bounding_boxes"), dict):
            data = {**data, "bounding_boxes": boxes.filled_up(data["bounding_boxes"])}
        texts = {key: x for key, x in data.items() if _is_text(x)}  # no tensors: they stay
        rest = {key: x for key, x in data.items() if key not in texts}
        result = super().__call__(rest, *args, **kwargs)
        return {key: texts[key] if key in texts else result[key] for key in data}

    def call(self, data: Any, training: bool | None = None) -> Any:
        """The changed images, or the dict with all changed."""
        whole = {"images": data} if not isinstance(data, dict) else data
        if "images" not in whole:
            raise ValueError(f'Layer {self.name}: the dict has no "images": {sorted(whole)}.')
        parts = {key: as_tensor(x) if key == "images" else x for key, x in whole.items()}
        rank = parts["images"].ndim
        if rank not in (3, 4):
            raise ValueError(
                f"Layer {self.name} takes an image (rank 3) or a batch of images (rank 4), but "
                f"got shape {format_shape(parts['images'].shape)}."
            )
        batch = parts if rank == 4 else tree.map_structure(lambda x: ops.expand_dims(x, 0), parts)
        result = self._decided(batch, training)
        if rank == 3:
            result = tree.map_structure(lambda x: ops.squeeze(x, 0), result)
        return result if isinstance(data, dict) else result["images"]

    def _decided(self, batch: dict[str, Any], training: bool | None) -> dict[str, Any]:
        """The batch transformed, if this is (or as soon as it is known to be) for training."""
        leaves = tree.flatten(batch)
        symbolic = has_symbolic(leaves)
        if symbolic or trace.current_trace() is not None or is_in_dataset():
            # As in Keras, where whole numbers may stay such only where the layer gets data.
            batch = {**batch, "images": self._cast(batch["images"])}
        if not self.only_training or (training is None and not symbolic):
            training = True
        if not symbolic and trace.current_trace() is None:
            return self._computed(batch, bool(training))
        if training is not None:
            return self._transformed(batch, bool(training))
        pairs = self._transformed(batch, True), self._transformed(batch, False)
        return tree.map_structure(ops.in_train_phase, *pairs)

    def _computed(self, batch: dict[str, Any], training: bool) -> dict[str, Any]:
        """The batch transformed now: all parts together, by the same numbers drawn."""
        arrays = [np.asarray(as_tensor(x)) for x in tree.flatten(batch)]
        kinds = tuple((x.shape[1:], x.dtype.name) for x in arrays)
        key = (training, kinds, repr(tree.map_structure(lambda x: 0, batch)))
        self._eager = self._eager or {}
        if key not in self._eager:
            inputs = [Placeholder((None, *shape), dtype) for shape, dtype in kinds]
            with trace.Trace(training):
                result = self._transformed(tree.pack(batch, inputs), training)
            function = Function(inputs, tree.flatten(result), training=training, name=self.name)
            self._eager[key] = function, result
        function, result = self._eager[key]
        return tree.pack(result, [as_tensor(x) for x in function(*arrays, run=self._next_run())])

    def _next_run(self) -> int | None:
        """What the numbers drawn for the next data depend on, besides the layer's seed."""
        return None

    def _transformed(self, batch: dict[str, Any], training: bool) -> dict[str, Any]:
        drawn = self.get_random_transformation(batch, training=training)
        result = dict(batch)
        result["images"] = self.transform_images(batch["images"], drawn, training)
        if "bounding_boxes" in batch:
            if self.bounding_box_format is None:
                raise ValueError(
                    f"Layer {self.name}: there are bounding boxes, so it needs to know their "
                    'format: bounding_box_format="xyxy", for example.'
                )
            given = boxes.as_boxes(batch["bounding_boxes"], self.name)
            result["bounding_boxes"] = self.transform_bounding_boxes(given, drawn, training)
        if "labels" in batch:
            result["labels"] = self.transform_labels(as_tensor(batch["labels"]), drawn, training)
        if "segmentation_masks" in batch:
            masks = as_tensor(batch["segmentation_masks"])
            result["segmentation_masks"] = self.transform_segmentation_masks(masks, drawn, training)
        return result

    # --- single images, as Keras has them ------------------------------------------------

    def transform_single_image(self, image: Any, transformation: Any, training: bool = True) -> Any:
        """`transform_images` for one image."""
        return self._single(self.transform_images, image, transformation, training)

    def transform_single_label(self, label: Any, transformation: Any, training: bool = True) -> Any:
        """`transform_labels` for one label."""
        return self._single(self.transform_labels, label, transformation, training)

    def transform_single_bounding_box(
        self, bounding_box: Any, transformation: Any, training: bool = True
    ) -> Any:
        """`transform_bounding_boxes` for the boxes of one image."""
        return self._single(self.transform_bounding_boxes, bounding_box, transformation, training)

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Any, training: bool = True
    ) -> Any:
        """`transform_segmentation_masks` for the mask of one image."""
        transform = self.transform_segmentation_masks
        return self._single(transform, segmentation_mask, transformation, training)

    @staticmethod
    def _single(transform: Any, value: Any, transformation: Any, training: bool) -> Any:
        batch = tree.map_structure(lambda x: ops.expand_dims(as_tensor(x), 0), value)
        result = transform(batch, transformation, training)
        return tree.map_structure(lambda x: ops.squeeze(x, 0), result)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if config["bounding_box_format"] is None:
            del config["bounding_box_format"]
        return config

    # --- for subclasses ------------------------------------------------------------------

    @property
    def _axes(self) -> tuple[int, int, int]:
        """Those of height, width and channels in a batch."""
        return (1, 2, 3) if self.data_format == "channels_last" else (2, 3, 1)

    def _sizes(self, images: Any) -> tuple[Any, Any]:
        """Height and width, ints where they are known."""
        x = as_tensor(images["images"] if isinstance(images, dict) else images)
        if x.ndim == 3:
            x = ops.expand_dims(x, 0)
        return Dim.of(x, self._axes[0]), Dim.of(x, self._axes[1])

    @staticmethod
    def _batch(data: Any) -> Any:
        """The number of images."""
        x = as_tensor(data["images"] if isinstance(data, dict) else data)
        return 1 if x.ndim == 3 else Dim.of(x, 0)

    def _cast(self, images: Any) -> Tensor:
        return ops.cast(images, self.compute_dtype)

    def _given(self, images: Any) -> Tensor:
        """Images in their own dtype; floats in the layer's if that is one of whole numbers."""
        x = as_tensor(images)
        whole = dtypes.is_int(self.compute_dtype) and dtypes.is_float(x.dtype)
        return self._cast(x) if whole else x

    def _boxed(
        self, bounding_boxes: dict[str, Any], corners: Tensor, height: Any, width: Any
    ) -> dict[str, Any]:
        """Bounding boxes with new corners within an image of a size, in the layer's format."""
        labels = bounding_boxes.get("labels")
        corners, labels = boxes.clipped(corners, labels, height, width)
        target = self.bounding_box_format or "xyxy"
        result = {**bounding_boxes, "boxes": from_corners(corners, target, height, width)}
        return result if labels is None else result | {"labels": labels}

    def _corners(self, given: Any, height: Any, width: Any) -> Tensor:
        return to_corners(given, self.bounding_box_format or "xyxy", height, width)


def _is_text(value: Any) -> bool:
    """Whether these are strings, such as the names of files, of any library."""
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    elif isinstance(value, np.ndarray) and value.dtype == object and value.size:
        value = value.flat[0]
    dtype = getattr(value, "dtype", "")
    named = str(getattr(dtype, "name", dtype)).startswith(("str", "bytes"))
    return named or isinstance(value, (str, bytes))


class RandomImageLayer(ImageLayer):
    """An image layer that draws numbers.

    Args:
        seed: an int; layers of one seed draw the same numbers, in each run of the program.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def _next_run(self) -> int:
        # Its own count: layers of one seed change images and masks in the same way, say.
        return self.seed_generator.next_use()

    def _uniform(
        self, shape: Sequence[Any], bounds: Sequence[float], seed: Any, dtype: str = "float32"
    ) -> Tensor:
        """Numbers evenly distributed between two bounds."""
        generator = self.seed_generator if seed is None else seed
        low, high = bounds
        return drawn_now(random.uniform(tuple(shape), low, high, dtype, generator))

    def _chosen(self, batch: Any, probability: Sequence[float], seed: Any) -> Tensor:
        """True for images that something happens to; its probability is itself drawn."""
        limits = self._uniform((batch,), probability, seed)
        return ops.less(self._uniform((batch,), (0.0, 1.0), seed), limits)


def at_known_sizes(
    x: Tensor, *others: Tensor, function: Callable[..., Tensor], **sizes: Any
) -> Tensor:
    """What a function makes of tensors once their sizes are known: one like the first of them."""
    return function(x, *others, **sizes)


at_known_sizes_p = composite(at_known_sizes, lambda x, *others, function, **sizes: x)


def drawn_now(x: Tensor) -> Tensor:
    """Numbers drawn: where no graph is being put together, as they are from now on."""
    return x if x.is_symbolic or trace.current_trace() is not None else as_tensor(x.numpy())


def bounds_of(
    value: Any, what: str, low: float = -1.0, high: float = 1.0, start: float | None = None
) -> tuple[float, float]:
    """What is drawn between: two numbers in order; for a single number from its opposite.

    Args:
        value: a number, or two of them.
        what: for messages.
        low: the least that is allowed, and where a single number's range begins at least.
        high: the largest.
        start: where a single number's range begins; at its opposite if None.

    >>> bounds_of(0.2, "factor"), bounds_of((0.3, 0.1), "factor"), bounds_of(0.2, "factor", 0)
    ((-0.2, 0.2), (0.1, 0.3), (0, 0.2))
    """
    pair = list(value) if isinstance(value, (list, tuple)) else [value]
    numbers = all(isinstance(n, Real) and not isinstance(n, bool) for n in pair)
    if len(pair) not in (1, 2) or not numbers or not all(low <= n <= high for n in pair):
        allowed = f"number from {low} to {high}" if high < math.inf else f"number from {low} on"
        raise ValueError(f"{what} must be a {allowed}, or two of them, but got {value!r}.")
    pair = [np.asarray(n).item() for n in pair]
    if len(pair) == 2:
        first, last = sorted(pair)
        return first, last
    size = abs(pair[0])
    return (max(low, -size) if start is None else start), size


def above_zero(value: Any, what: str) -> float:
    """The parameter of a gamma or beta distribution."""
    if not isinstance(value, Real) or not float(value) > 0:
        raise ValueError(f"{what} must be a number above 0, but got {value!r}.")
    return np.asarray(value).item()


def checked_range(value: Any, what: str) -> tuple[float, float]:
    """The least and the largest value of a pixel."""
    pair = list(value) if isinstance(value, (list, tuple, np.ndarray)) else []
    if len(pair) != 2 or not all(isinstance(n, Real) for n in pair) or pair[0] == pair[1]:
        raise ValueError(f"{what}: value_range must be two different numbers, but got {value!r}.")
    low, high = sorted(np.asarray(n).item() for n in pair)
    return low, high


def with_range(images: Tensor, old: Sequence[float], new: Sequence[float]) -> Tensor:
    """Pixels between two values as ones between two others."""
    if tuple(old) == tuple(new):
        return images
    share = (images - old[0]) / (old[1] - old[0])
    return share * (new[1] - new[0]) + new[0]


def per_image(values: Tensor, rank: int = 4) -> Tensor:
    """One number per image, in a shape that meets the images."""
    return ops.reshape(values, (-1, *(1,) * (rank - 1)))


def as_floats(x: Tensor) -> Tensor:
    """Images of whole numbers as floats, which can be computed with; others as they are."""
    return ops.cast(x, dtypes.floating(x.dtype))


def narrowed(x: Tensor, dtype: str) -> Tensor:
    """Floats in another dtype; whole numbers are rounded."""
    if x.dtype == dtype:
        return x
    return ops.saturate_cast(ops.round(x) if dtypes.is_int(dtype) else x, dtype)

"""`ImageDataGenerator`: images that are changed at random each time that they are seen."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kerasish.compat.arguments import older_keywords
from kerasish.compat.older_image_files import DataFrameIterator, DirectoryIterator
from kerasish.compat.older_image_iterators import NumpyArrayIterator, warn_of_channels
from kerasish.compat.older_image_transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
    random_zooms,
    two_numbers,
)
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.images import is_channels_last

__all__ = ["ImageDataGenerator"]

_EPSILON = 1e-6  # beside what is divided by


class ImageDataGenerator:
    """Batches of images that are changed at random, and brought to a common range.

    `flow`, `flow_from_directory` and `flow_from_dataframe` give what `fit` takes. Turning, moving,
    shearing and zooming need SciPy; reading files and brightness need Pillow. What is random comes
    from `numpy.random`.

    Source of the whitening: Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny
    Images"

    Args:
        featurewise_center: whether the mean of each channel over all images, which `fit` finds, is
            subtracted.
        samplewise_center: whether the mean of each image is subtracted.
        featurewise_std_normalization: whether each channel is divided by its standard deviation
            over all images. That includes featurewise_center.
        samplewise_std_normalization: whether each image is divided by its standard deviation.
            That includes samplewise_center.
        zca_whitening: whether pixels are made independent of each other. That includes
            featurewise_center, and takes the place of featurewise_std_normalization.
        zca_epsilon: what is added to the variances for that.
        rotation_range: by how many degrees images are turned at most.
        width_shift_range: how far images are moved to either side at most: a part of the width if
            below 1, else columns. An int draws whole columns below it, a list one of its elements.
        height_shift_range: the same of rows.
        brightness_range: the least and largest brightness, as `apply_brightness_shift` takes it.
        shear_range: by how many degrees images are sheared at most.
        zoom_range: the least and largest zoom; a number z means (1 - z, 1 + z).
        channel_shift_range: how much is added to all pixels, or subtracted, at most.
        fill_mode: what is around images, see `apply_affine_transform`.
        cval: what that is if fill_mode is "constant".
        horizontal_flip: whether half of the images are mirrored.
        vertical_flip: whether half of the images are turned upside down.
        rescale: what each image is multiplied by, after the random changes; None for nothing.
        preprocessing_function: called on each image before that.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` if None.
        validation_split: the part of the images that is the subset "validation".
        interpolation_order: of the spline between pixels, see `apply_affine_transform`.
        dtype: of the images.

    Attributes:
        mean, std, principal_components: what `fit` has found, or None.

    Raises:
        ValueError: for a zoom_range or brightness_range that is not two numbers, a
            validation_split not between 0 and 1, or another data_format.

    >>> generator = ImageDataGenerator(rescale=1 / 4, horizontal_flip=True)
    >>> batches = generator.flow(np.ones((5, 8, 8, 3)), np.arange(5), batch_size=2, shuffle=False)
    >>> x, y = next(batches)
    >>> x.shape, float(x.max()), y.tolist(), len(batches)
    ((2, 8, 8, 3), 0.25, [0, 1], 3)
    """

    @older_keywords(dim_ordering="data_format")
    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-06,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = "float32",
    ):
        name = "ImageDataGenerator"
        if zca_whitening and featurewise_std_normalization:
            warnings.warn(
                f"{name}: zca_whitening takes the place of featurewise_std_normalization, which is "
                "left out.",
                stacklevel=3,
            )
            featurewise_std_normalization = False
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                f"{name}: validation_split must be between 0 and 1, but got {validation_split!r}."
            )
        if brightness_range is not None:
            two_numbers(name, "brightness_range", brightness_range)
        self.featurewise_center = (
            featurewise_center or zca_whitening or featurewise_std_normalization
        )
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range, self.channel_shift_range = brightness_range, channel_shift_range
        if np.ndim(zoom_range) == 0:
            zoom_range = 1 - zoom_range, 1 + zoom_range
        self.zoom_range = list(two_numbers(name, "zoom_range", zoom_range))
        self.fill_mode, self.cval = fill_mode, cval
        self.interpolation_order, self.dtype = interpolation_order, dtype
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self._validation_split = validation_split
        last = is_channels_last(name, data_format)
        self.data_format = "channels_last" if last else "channels_first"
        self.row_axis, self.col_axis, self.channel_axis = (1, 2, 3) if last else (2, 3, 1)
        self.mean: np.ndarray | None = None
        self.std: np.ndarray | None = None
        self.principal_components: np.ndarray | None = None

    # ------------------------------------------------------------ batches

    @older_keywords(X="x")
    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
    ) -> NumpyArrayIterator:
        """Batches of images in an array; see `NumpyArrayIterator`, which explains the arguments."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            dtype=self.dtype,
            ignore_class_split=ignore_class_split,
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Batches of images in directories of classes; see `DirectoryIterator`."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            keep_aspect_ratio=keep_aspect_ratio,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        keep_aspect_ratio: bool = False,
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Batches of the images that a table names; see `DataFrameIterator`.

        Of older arguments, `drop_duplicates` drops rows whose path came before; `has_ext` and
        `sort` must be True and False, as they now always are; class_mode "other" is "raw".
        """
        if kwargs.pop("drop_duplicates", False):
            dataframe = dataframe.drop_duplicates(x_col)
        for older, only in (("has_ext", True), ("sort", False)):
            if kwargs.pop(older, only) is not only:
                raise ValueError(
                    f"flow_from_dataframe: {older} must be {only}, which is all that it ever is "
                    "since Keras 2.3. Change the table instead."
                )
        reject_unknown(kwargs, ImageDataGenerator.flow_from_dataframe, "flow_from_dataframe")
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode="raw" if class_mode == "other" else class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            validate_filenames=validate_filenames,
            keep_aspect_ratio=keep_aspect_ratio,
        )

    # ------------------------------------------------------------ what is random

    def get_random_transform(
        self, img_shape: Sequence[int], seed: int | None = None
    ) -> dict[str, Any]:
        """What to change in an image.

        Args:
            img_shape: of the image.
            seed: of `numpy.random`, or None.

        Returns:
            theta, tx, ty, shear, zx, zy (see `apply_affine_transform`), flip_horizontal,
            flip_vertical, channel_shift_intensity, brightness (see the functions of such names).
        """
        if seed is not None:
            np.random.seed(seed)
        theta = _up_to(self.rotation_range)
        tx = _shift(self.height_shift_range, img_shape[self.row_axis - 1])
        ty = _shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = _up_to(self.shear_range)
        zx, zy = random_zooms("ImageDataGenerator", self.zoom_range)
        # These are drawn in any case.
        flip_horizontal = np.random.random() < 0.5 and self.horizontal_flip
        flip_vertical = np.random.random() < 0.5 and self.vertical_flip
        added = _up_to(self.channel_shift_range) if self.channel_shift_range else None
        bounds = self.brightness_range
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flip_horizontal,
            "flip_vertical": flip_vertical,
            "channel_shift_intensity": added,
            "brightness": None if bounds is None else np.random.uniform(bounds[0], bounds[1]),
        }

    def apply_transform(self, x: np.ndarray, transform_parameters: Mapping[str, Any]) -> np.ndarray:
        """An image changed so.

        Args:
            x: one image.
            transform_parameters: as `get_random_transform` returns them; what is missing changes
                nothing.

        >>> x = np.array([[[1.0], [2.0]]])
        >>> ImageDataGenerator().apply_transform(x, {"flip_horizontal": True}).ravel()
        array([2., 1.])
        """
        rows, columns, channels = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        names = ("theta", "tx", "ty", "shear", "zx", "zy")
        x = apply_affine_transform(
            x,
            **{name: transform_parameters[name] for name in names if name in transform_parameters},
            row_axis=rows,
            col_axis=columns,
            channel_axis=channels,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        added = transform_parameters.get("channel_shift_intensity")
        if added is not None:
            x = apply_channel_shift(x, added, channels)
        if transform_parameters.get("flip_horizontal"):
            x = flip_axis(x, columns)
        if transform_parameters.get("flip_vertical"):
            x = flip_axis(x, rows)
        brightness = transform_parameters.get("brightness")
        if brightness is not None:
            x = apply_brightness_shift(x, brightness, data_format=self.data_format)
        return x

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """An image changed at random."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    # ------------------------------------------------------------ the common range

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Brings images to the range that was asked for.

        An array of floats is changed itself, as programs for Keras rely on.

        Args:
            x: one image, or, for all but what is samplewise, a batch.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if not np.issubdtype(x.dtype, np.floating):
            x = x.astype(self.dtype)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + _EPSILON
        if self.featurewise_center and self._has_fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._has_fitted(
            "featurewise_std_normalization", self.std
        ):
            x /= self.std + _EPSILON  # type: ignore[operator]
        if self.zca_whitening and self._has_fitted("zca_whitening", self.principal_components):
            components: Any = self.principal_components
            x = (x.reshape(-1, len(components)) @ components).reshape(x.shape)
        return x

    @staticmethod
    def _has_fitted(option: str, found: Any) -> bool:
        if found is None:
            warnings.warn(
                f"ImageDataGenerator: {option} does nothing before fit(images) was called.",
                stacklevel=3,
            )
        return found is not None

    @older_keywords(X="x")
    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Finds the mean, standard deviation and components that `standardize` needs.

        Args:
            x: (samples, height, width, channels), or with channels first.
            augment: whether from images that are changed at random.
            rounds: how often each of them is changed, for that.
            seed: of `numpy.random`, or None.

        Raises:
            ValueError: x has another number of axes.
        """
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4:
            raise ValueError(
                "ImageDataGenerator.fit: x must have 4 axes, of samples, rows, columns and "
                f"channels, but got {x.shape}."
            )
        warn_of_channels("ImageDataGenerator.fit", x.shape[self.channel_axis])
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            changed = [self.random_transform(image) for _ in range(rounds) for image in x]
            x = np.array(changed, dtype=self.dtype)
        shape = [1, 1, 1]
        shape[self.channel_axis - 1] = x.shape[self.channel_axis]
        over = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(x, axis=over).reshape(shape)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=over).reshape(shape)
            x /= self.std + _EPSILON
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            directions, sizes, _ = np.linalg.svd(flat.T @ flat / len(flat))
            weights = 1 / np.sqrt(sizes + self.zca_epsilon)
            self.principal_components = (directions * weights) @ directions.T


def _up_to(limit: float) -> float:
    """A number from -limit to limit; 0, without drawing, where there is none."""
    return np.random.uniform(-limit, limit) if limit else 0


def _shift(limit: Any, size: int) -> float:
    """How far to move an image of this size."""
    if not np.any(limit):
        return 0
    if np.ndim(limit) or isinstance(limit, (int, np.integer)):
        shift = np.random.choice(limit) * np.random.choice([-1, 1])
    else:
        shift = np.random.uniform(-limit, limit)
    return shift * size if np.max(limit) < 1 else shift

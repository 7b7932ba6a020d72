"""Masks drawn into images look as Keras 3 draws them."""

import numpy as np
import pytest

import kerasish

keras = pytest.importorskip("keras", minversion="3.10")

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (2, 12, 15, 3)).astype("uint8")
MASKS = rng.integers(-1, 6, (2, 12, 15, 1))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 0.3},
        {"ignore_index": 2},
        {"color_mapping": {k: (9 * k, 200 - k, 50) for k in range(6)}},
    ],
)
def test_masks(options):
    # With num_classes, without which Keras leaves the last class out.
    found, expected = (
        library.visualization.draw_segmentation_masks(IMAGES, MASKS, 6, **options)
        for library in (kerasish, keras)
    )
    np.testing.assert_array_equal(found, np.asarray(expected))

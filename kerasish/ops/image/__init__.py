"""Operations on images, in the names of `keras.ops.image`.

Images have shape (height, width, channels), with a batch axis in front if there are several;
(channels, height, width) for data_format="channels_first".
"""

from __future__ import annotations

from kerasish.ops.errors import name_themselves as _name_themselves
from kerasish.ops.image.colour import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from kerasish.ops.image.filters import gaussian_blur, sobel_edges, ssim
from kerasish.ops.image.frames import (
    crop_images,
    extract_patches,
    extract_patches_3d,
    pad_images,
)
from kerasish.ops.image.resizing import resize, scale_and_translate
from kerasish.ops.image.warping import (
    affine_transform,
    elastic_transform,
    map_coordinates,
    perspective_transform,
)

_name_themselves(globals())

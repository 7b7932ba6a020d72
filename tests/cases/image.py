"""Cases of kerasish.ops.image, pixel by pixel."""

import colorsys

import numpy as np
from cases.case import Case, distinct, f32, i32, integers, normal, off_grid, shared, unit

from kerasish.ops import image

# --- sizes -------------------------------------------------------------------------------


def keys(x):
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def lanczos(radius):
    return lambda x: np.sinc(x) * np.sinc(x / radius) if abs(x) < radius else 0.0


KERNELS = {
    "bilinear": lambda x: max(1 - abs(x), 0),
    "bicubic": keys,
    "lanczos3": lanczos(3),
    "lanczos5": lanczos(5),
}


def line(inputs, outputs, kernel, scale, shift, antialias):
    """[outputs, inputs]: weights, one by one."""
    wide = max(1 / scale, 1) if antialias else 1
    weights = np.zeros((outputs, inputs))
    for i in range(outputs):
        centre = (i + 0.5 - shift) / scale - 0.5
        row = [kernel((j - centre) / wide) for j in range(inputs)]
        if -0.5 <= centre <= inputs - 0.5:
            weights[i] = np.array(row) / sum(row)
    return weights


def area(inputs, outputs):
    fine = np.repeat(np.eye(inputs), outputs, 0)  # each pixel in as many equal parts
    return fine.reshape(outputs, inputs, inputs).mean(1)


def resized(x, size, method="bilinear", antialias=False):
    for axis, outputs in enumerate(size, 1):
        inputs = x.shape[axis]
        if method == "nearest":
            at = [int((i + 0.5) * inputs / outputs) for i in range(outputs)]
            x = np.take(x, at, axis)
            continue
        if method == "area":
            weights = area(inputs, outputs)
        else:
            scale = outputs / inputs
            weights = line(inputs, outputs, KERNELS[method], scale, 0, antialias)
        x = np.moveaxis(np.tensordot(weights, x, (1, axis)), 0, axis)
    return x


def moved(x, shape, scale, shift, axes, method, antialias=True):
    for axis, s, t in zip(axes, scale, shift, strict=True):
        weights = line(x.shape[axis], shape[axis], KERNELS[method], s, t, antialias)
        x = np.moveaxis(np.tensordot(weights, x, (1, axis)), 0, axis)
    return x


# --- places ------------------------------------------------------------------------------


def index_by(mode):
    """What an index beyond the ends means: np.pad says so."""
    pads = {"nearest": "edge", "wrap": "wrap", "mirror": "reflect", "reflect": "symmetric"}

    def index(i, n):
        if mode == "constant":
            return i if 0 <= i < n else None
        return int(np.pad(np.arange(n), 20, mode=pads[mode])[i + 20])

    return index


def looked_up(x, at, order, mode="constant", fill=0.0):
    """Values of an array at places (n, ...)."""
    index, out = index_by(mode), np.zeros(at.shape[1:])

    def value(point):
        where = [index(int(i), n) for i, n in zip(point, x.shape, strict=True)]
        return fill if None in where else x[tuple(where)]

    for place in np.ndindex(*at.shape[1:]):
        p = at[(slice(None), *place)]
        if order == 0:
            out[place] = value(np.rint(p))
            continue
        low = np.floor(p)
        for ends in np.ndindex(*(2,) * len(p)):
            share = np.prod(np.where(ends, p - low, 1 - (p - low)))
            out[place] += share * value(low + ends)
    return out


def projected(x, transforms, order=1, mode="constant", fill=0.0):
    y = np.zeros(x.shape)
    down, across = np.mgrid[: x.shape[1], : x.shape[2]]
    for i, t in enumerate(np.broadcast_to(transforms, (len(x), 8))):
        depth = t[6] * across + t[7] * down + 1
        at = np.stack(
            [
                (t[3] * across + t[4] * down + t[5]) / depth,
                (t[0] * across + t[1] * down + t[2]) / depth,
            ]
        )
        for c in range(x.shape[3]):
            y[i, ..., c] = looked_up(x[i, ..., c], at, order, mode, fill)
    return y


TURN = f32(0.9, -0.31, 0.43, 0.27, 0.8, -0.37, 0.011, 0.023)
SHIFT = f32(1, 0, -3.3, 0, 1, 1.7, 0, 0)
START = f32([0.2, 0.1], [3.9, 0.3], [0.1, 2.8], [3.8, 3.2])
SLOPE = (3 * np.mgrid[:6, :6][0] - np.mgrid[:6, :6][1]).astype("float32")[None, ..., None]
SLOPE = np.repeat(SLOPE, 2, 0)
END = f32([0, 0.4], [3, 0], [1, 3], [4, 2.5])


def through(start, end):
    """The map that sends the end points to the start points, by least squares."""
    rows, right = [], []
    for (u, v), (x, y) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]


# --- filters -----------------------------------------------------------------------------


def bell(size, sigma):
    w = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return w / w.sum()


def filtered(x, kernel):
    """Each channel of a padded batch of images with one window."""
    k, m = kernel.shape
    rows, columns = x.shape[1] - k + 1, x.shape[2] - m + 1
    y = np.zeros((len(x), rows, columns, x.shape[3]))
    for i, j in np.ndindex(rows, columns):
        y[:, i, j] = (x[:, i : i + k, j : j + m] * kernel[None, :, :, None]).sum((1, 2))
    return y


def around(x, rows, columns, mode="constant"):
    return np.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)), mode)


def sobel(x):
    kernel, x = np.outer([-1, 0, 1], [1, 2, 1]), around(x, 1, 1, "reflect")
    return np.stack([filtered(x, kernel), filtered(x, kernel.T)], -1)


def ssim(a, b, max_val, size, sigma):
    window = np.outer(bell(size, sigma), bell(size, sigma))
    ma, mb = filtered(a, window), filtered(b, window)
    va, vb = filtered(a * a, window) - ma**2, filtered(b * b, window) - mb**2
    cov = filtered(a * b, window) - ma * mb
    c1, c2 = (0.01 * max_val) ** 2, (0.03 * max_val) ** 2
    up, down = (2 * ma * mb + c1) * (2 * cov + c2), (ma**2 + mb**2 + c1) * (va + vb + c2)
    return (up / down).mean((1, 2, 3))


# Away from where the gradients jump: two channels alike, and a hue of a whole sixth.
UNEQUAL = 0.5 + distinct(2, 3, 4, 3) / 20
HUES = shared("colours", unit(2, 3, 4, 3))
HUES[..., 0] = shared("hues", (integers(0, 6, 2, 3, 4) + unit(2, 3, 4)) / 6)


def by_pixel(function):
    return lambda x: np.array([function(*p) for p in x.reshape(-1, 3)]).reshape(x.shape)


def patches(x, size, strides, dilation=1):
    """Window by window, of any number of spatial axes."""
    reach = [(k - 1) * dilation + 1 for k in size]
    counts = [(n - r) // s + 1 for n, r, s in zip(x.shape[1:], reach, strides, strict=False)]
    y = np.zeros((len(x), *counts, int(np.prod(size)) * x.shape[-1]), x.dtype)
    for out in np.ndindex(*counts):
        inside = tuple(
            slice(o * s, o * s + r, dilation) for o, s, r in zip(out, strides, reach, strict=True)
        )
        y[(slice(None), *out)] = x[(slice(None), *inside)].reshape(len(x), -1)
    return y


def _elastic_check(still, moved, limited):
    np.testing.assert_allclose(still, LANDSCAPE, atol=1e-4)
    assert moved.shape == limited.shape == LANDSCAPE.shape
    assert np.abs(moved - LANDSCAPE).max() > 0.05
    assert np.isin(limited, LANDSCAPE).all()


LANDSCAPE = shared("landscape", normal(2, 8, 7, 1))
CHANNELS_FIRST = {"data_format": "channels_first"}


def first(function):
    """A reference for channels last, applied to channels first."""
    return lambda x, *rest: np.moveaxis(function(np.moveaxis(x, 1, -1), *rest), -1, 1)


CASES = [
    *(
        Case(
            f"resize {method} to {size[0]} by {size[1]}{' antialias' * antialias}",
            lambda x, how=(size, method, antialias): image.resize(x, *how),
            (normal(2, 4, 6, 2),),
            lambda x, how=(size, method, antialias): resized(x, *how),
            tolerance=1e-4,
        )
        for method in ("nearest", "area", *KERNELS)
        for size, antialias in (((3, 8), False), ((7, 4), True))
        if not (antialias and method in ("nearest", "area"))
    ),
    Case(
        "resize one image",
        lambda x: image.resize(x, (3, 3)),
        (normal(4, 5, 2),),
        lambda x: resized(x[None], (3, 3))[0],
        batch=(),
    ),
    Case(
        "resize channels first",
        lambda x: image.resize(x, (3, 3), **CHANNELS_FIRST),
        (normal(2, 1, 4, 5),),
        first(lambda x: resized(x, (3, 3))),
    ),
    Case(
        "resize of bytes",
        lambda x: image.resize(x, (5, 5), "lanczos3"),
        (integers(0, 256, 1, 3, 3, 1, dtype="uint8"),),
        lambda x: np.clip(np.rint(resized(x, (5, 5), "lanczos3")), 0, 255).astype("uint8"),
    ),
    Case(
        "resize with crop",
        lambda x: image.resize(x, (2, 4), crop_to_aspect_ratio=True),
        (normal(2, 6, 6, 1),),
        lambda x: resized(x[:, 1:4], (2, 4)),
    ),
    Case(
        "resize with margin",
        lambda x: image.resize(x, (2, 4), pad_to_aspect_ratio=True, fill_value=1.5),
        (normal(2, 4, 4, 1),),
        lambda x: resized(np.pad(x, ((0, 0), (0, 0), (2, 2), (0, 0)), constant_values=1.5), (2, 4)),
    ),
    *(
        Case(
            f"scale_and_translate {method}{' sharp' * sharp}",
            lambda x, s, t, m=method, sharp=sharp: image.scale_and_translate(
                x, (2, 5, 4), s, t, (1, 2), m, not sharp
            ),
            # No pixel's centre falls on another: there the second derivatives jump.
            (normal(2, 4, 6), f32(1.5, 0.6), f32(-0.7, 0.45)),
            lambda x, s, t, m=method, sharp=sharp: moved(x, (2, 5, 4), s, t, (1, 2), m, not sharp),
            grad=method == "bicubic",
            tolerance=1e-4,
        )
        for method, sharp in (("bilinear", False), ("bicubic", True), ("lanczos3", False))
    ),
    *(
        Case(
            f"map_coordinates {mode} order {order}",
            lambda x, at, o=order, m=mode: image.map_coordinates(x, at, o, m, 0.7),
            (normal(3, 4), off_grid(2, 12)),
            lambda x, at, o=order, m=mode: looked_up(x, at, o, m, 0.7),
            batch=(),
        )
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
        for order in (0, 1)
    ),
    Case(
        "map_coordinates of ints",
        lambda x, at: image.map_coordinates(x, at, 1),
        (i32([0, 1, 2, 3], [10, 20, 30, 40]), f32([0.5, 0.25], [1.5, 1.0])),
        lambda x, at: np.rint(looked_up(x, at, 1)).astype("int32"),
        batch=(),
    ),
    Case(
        "affine_transform",
        lambda x: image.affine_transform(x, np.stack([TURN, SHIFT])),
        (normal(2, 4, 5, 2),),
        lambda x: projected(x, np.stack([TURN, SHIFT])),
    ),
    Case(  # of a slope, so that places may move without a kink
        "affine_transform by its numbers",
        image.affine_transform,
        (
            SLOPE,
            f32([0.5, 0.1, 0.6, -0.1, 0.5, 0.8, 0.01, 0.02], [0.4, 0, 0.9, 0, 0.4, 1, 0, 0.01]),
        ),
        projected,
        batch=(0, 1),
    ),
    *(
        Case(
            f"affine_transform {mode} {name}",
            lambda x, how=(name, mode): image.affine_transform(x, SHIFT, *how, fill_value=0.7),
            (normal(2, 4, 5, 1),),
            lambda x, how=(int(name == "bilinear"), mode): projected(x, SHIFT, *how, 0.7),
        )
        for mode in ("constant", "nearest", "mirror", "reflect")
        for name in ("nearest", "bilinear")
    ),
    Case(
        "affine_transform wrap",
        lambda x, t: image.affine_transform(x, t, "nearest", "wrap"),
        (f32(10, 11, 12, 13, 14)[None, :, None], f32(1, 0, 3.7, 0, 1, 0, 0, 0)),
        lambda x, t: f32(14, 10, 11, 12, 13)[None, :, None],
        batch=(),
    ),
    Case(
        "affine_transform of bytes, channels first",
        lambda x: image.affine_transform(x, SHIFT, **CHANNELS_FIRST),
        (integers(0, 256, 1, 2, 4, 5, dtype="uint8"),),
        first(lambda x: projected(x, SHIFT).astype("uint8")),
    ),
    Case(
        "perspective_transform",
        lambda x: image.perspective_transform(x, START, END, fill_value=0.3),
        (normal(2, 4, 5, 1),),
        lambda x: projected(x, through(START, END), fill=0.3),
        tolerance=1e-4,
    ),
    Case(
        "perspective_transform nearest",
        lambda x: image.perspective_transform(x, START[None], END[None], "nearest"),
        (normal(4, 5, 1),),
        lambda x: projected(x[None], through(START, END), 0)[0],
        batch=(),
    ),
    Case(
        "elastic_transform",
        lambda x: (
            image.elastic_transform(x, alpha=0.0, seed=1),
            image.elastic_transform(x, 20.0, 2.0, seed=1),
            image.elastic_transform(x, 20.0, 2.0, "nearest", seed=1),
        ),
        (LANDSCAPE,),
        check=_elastic_check,
    ),
    Case(
        "rgb_to_grayscale",
        image.rgb_to_grayscale,
        (unit(2, 3, 4, 3),),
        lambda x: (x @ np.array([0.2989, 0.587, 0.114]))[..., None],
    ),
    Case(
        "rgb_to_grayscale of bytes",
        image.rgb_to_grayscale,
        (i32([[1, 2, 3], [10, 200, 7], [255, 255, 255]]).astype("uint8"),),
        lambda x: np.array([[[1], [121], [254]]], "uint8"),
        batch=(),
    ),
    Case(
        "rgb_to_grayscale channels first",
        lambda x: image.rgb_to_grayscale(x, "channels_first"),
        (unit(2, 3, 4, 2),),
        lambda x: np.tensordot(x, [0.2989, 0.587, 0.114], (1, 0))[:, None],
    ),
    Case("rgb_to_hsv", image.rgb_to_hsv, (UNEQUAL,), by_pixel(colorsys.rgb_to_hsv)),
    Case(
        "rgb_to_hsv of greys",
        image.rgb_to_hsv,
        (f32([[0, 0, 0], [0.3, 0.3, 0.3], [0.5, 0.5, 0.2], [0.5, 0.1, 0.5], [0.1, 0.7, 0.7]]),),
        by_pixel(colorsys.rgb_to_hsv),
        batch=(),
        grad=False,
    ),
    Case("hsv_to_rgb", image.hsv_to_rgb, (HUES,), by_pixel(colorsys.hsv_to_rgb)),
    Case(
        "crop_images",
        lambda x: image.crop_images(x, 1, 2, target_height=2, right_cropping=1),
        (normal(2, 5, 6, 1),),
        lambda x: x[:, 1:3, 2:5],
    ),
    Case(
        "pad_images",
        lambda x: image.pad_images(x, 1, bottom_padding=2, right_padding=1, target_width=6),
        (normal(2, 3, 4, 1),),
        lambda x: np.pad(x, ((0, 0), (1, 2), (1, 1), (0, 0))),
    ),
    Case(
        "pad_images channels first",
        lambda x: image.pad_images(x, 1, 0, 0, 1, **CHANNELS_FIRST),
        (normal(2, 1, 3, 4),),
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 1))),
    ),
    Case(
        "extract_patches",
        lambda x: image.extract_patches(x, (2, 3)),
        (normal(2, 4, 7, 2),),
        lambda x: patches(x, (2, 3), (2, 3)),
    ),
    Case(
        "extract_patches overlapping",
        lambda x: image.extract_patches(x, 3, 1, padding="same", **CHANNELS_FIRST),
        (normal(2, 2, 4, 3),),
        first(lambda x: patches(around(x, 1, 1), (3, 3), (1, 1))),
    ),
    Case(
        "extract_patches dilated",
        lambda x: image.extract_patches(x, 2, 1, 2),
        (integers(0, 9, 1, 5, 4, 1),),
        lambda x: patches(x, (2, 2), (1, 1), 2),
    ),
    Case(
        "extract_patches_3d",
        lambda x: image.extract_patches_3d(x, 2, (1, 2, 2)),
        (normal(1, 3, 4, 5, 2),),
        lambda x: patches(x, (2, 2, 2), (1, 2, 2)),
    ),
    Case(
        "gaussian_blur",
        lambda x, s: image.gaussian_blur(x, (3, 5), s),
        (normal(2, 5, 6, 2), f32(0.8, 1.4)),
        lambda x, s: filtered(around(x, 2, 1), np.outer(bell(5, s[1]), bell(3, s[0]))),
    ),
    Case("sobel_edges", image.sobel_edges, (normal(2, 4, 5, 2),), sobel),
    Case(
        "ssim",
        lambda a, b: image.ssim(a, b, 2.0, 3, 1.1),
        (unit(2, 5, 6, 2), unit(2, 5, 6, 2)),
        lambda a, b: ssim(a, b, 2.0, 3, 1.1),
        batch=(0, 1),
    ),
]

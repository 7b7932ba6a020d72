"""The table of layers that prepare data: each with arguments and data for it."""

import numpy as np


def pixels(shape, seed=0):
    """Images of whole numbers from 0 to 255, as floats."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


IMAGES = pixels((3, 8, 10, 3))
NUMBERS = np.random.default_rng(1).normal(2, 3, (6, 4)).astype("float32")
CATEGORIES = np.array([[0, 2, 2], [1, 3, 0]])
WORDS = np.array([["cat", "dog"], ["", "bird"], ["zebra", "dog"]])
TEXTS = np.array(["The cat, the dog!", "A BIRD? Bird's", "", "é\u00c9  x\ty_z"])
SOUND = np.sin(np.arange(2 * 400).reshape(2, 400) ** 1.5 / 40).astype("float32")
BINS = [-1.0, 2.0, 3.5]
VOCABULARY = ["dog", "cat", "emu"]
SOME = {"vocabulary": VOCABULARY}

# layer, arguments, data: without chance
FIXED = [
    ("Rescaling", {"scale": 1 / 255, "offset": -1.0}, IMAGES),
    ("Rescaling", {"scale": [1.0, 2.0, 3.0]}, IMAGES),
    ("Normalization", {"mean": 3.0, "variance": 2.0}, NUMBERS),
    ("Normalization", {"mean": [1.0, 2, 3, 4], "variance": [1.0, 2, 3, 4]}, NUMBERS),
    ("Normalization", {"axis": None, "mean": 3.0, "variance": 4.0, "invert": True}, NUMBERS),
    ("Discretization", {"bin_boundaries": BINS}, NUMBERS),
    ("Discretization", {"bin_boundaries": BINS, "output_mode": "multi_hot"}, NUMBERS),
    ("Discretization", {"bin_boundaries": BINS, "output_mode": "count"}, NUMBERS),
    ("Discretization", {"bin_boundaries": BINS, "output_mode": "one_hot"}, NUMBERS[:, :1]),
    ("CategoryEncoding", {"num_tokens": 4}, CATEGORIES),
    ("CategoryEncoding", {"num_tokens": 4}, CATEGORIES[0]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, CATEGORIES),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, CATEGORIES),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, CATEGORIES[:, :1]),
    ("IntegerLookup", {"vocabulary": [12, 36, 1138]}, CATEGORIES * 12),
    ("IntegerLookup", {"vocabulary": [12, 36]}, (CATEGORIES * 12.5).astype("float32")),
    ("IntegerLookup", {"vocabulary": [12, 36], "mask_token": 0}, CATEGORIES * 12),
    ("IntegerLookup", {"vocabulary": [12, 36], "num_oov_indices": 3}, CATEGORIES * 6),
    ("IntegerLookup", {"vocabulary": [12, 36], "invert": True}, CATEGORIES),
    ("IntegerLookup", {"vocabulary": [12, 36], "invert": True}, CATEGORIES.astype("float32")),
    ("IntegerLookup", {"vocabulary": [12, 36], "output_mode": "multi_hot"}, CATEGORIES * 12),
    (
        "IntegerLookup",
        {"vocabulary": [12, 36], "output_mode": "count", "mask_token": 0},
        CATEGORIES * 12,
    ),
    (
        "IntegerLookup",
        {"vocabulary": [12, 36], "output_mode": "tf_idf", "idf_weights": [0.5, 0.25]},
        CATEGORIES * 12,
    ),
    ("Resizing", {"height": 5, "width": 7}, IMAGES),
    ("Resizing", {"height": 12, "width": 7, "interpolation": "nearest"}, IMAGES),
    ("Resizing", {"height": 12, "width": 7, "interpolation": "bicubic"}, IMAGES),
    ("Resizing", {"height": 12, "width": 7, "interpolation": "lanczos3"}, IMAGES),
    ("Resizing", {"height": 12, "width": 7, "interpolation": "lanczos5"}, IMAGES),
    ("Resizing", {"height": 5, "width": 7, "antialias": True}, IMAGES),
    ("Resizing", {"height": 5, "width": 4, "crop_to_aspect_ratio": True}, IMAGES),
    (
        "Resizing",
        {"height": 5, "width": 4, "pad_to_aspect_ratio": True, "fill_value": 7.0},
        IMAGES,
    ),
    ("Resizing", {"height": 5, "width": 7}, IMAGES.astype("uint8")),
    ("Resizing", {"height": 5, "width": 7, "data_format": "channels_first"}, IMAGES),
    ("CenterCrop", {"height": 5, "width": 6}, IMAGES),
    ("CenterCrop", {"height": 4, "width": 4}, IMAGES[0]),
    ("CenterCrop", {"height": 12, "width": 6}, IMAGES),
    ("AutoContrast", {"value_range": (0, 255)}, IMAGES / 2),
    ("AutoContrast", {"value_range": (0, 1)}, IMAGES / 500),
    ("Equalization", {}, IMAGES),
    ("Equalization", {"bins": 16}, np.floor(IMAGES / 3)),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": (2, 3)}, IMAGES),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"tile_grid_size": (2, 2), "clip_limit": 0.0, "value_range": (0, 1)},
        IMAGES / 255,
    ),
    ("MelSpectrogram", {"fft_length": 64, "sequence_stride": 32, "num_mel_bins": 6}, SOUND),
    (
        "MelSpectrogram",
        {
            "fft_length": 64,
            "sequence_length": 48,
            "sequence_stride": 20,
            "num_mel_bins": 6,
            "power_to_db": False,
            "mag_exp": 1.0,
            "max_freq": 4000.0,
        },
        SOUND,
    ),
    ("STFTSpectrogram", {"frame_length": 16, "frame_step": 8}, SOUND[..., None]),
    ("STFTSpectrogram", {"frame_length": 20, "mode": "psd", "padding": "same"}, SOUND[..., None]),
    ("STFTSpectrogram", {"frame_length": 16, "mode": "stft"}, SOUND.reshape(2, 200, 2)),
    ("STFTSpectrogram", {"frame_length": 16, "mode": "real", "window": None}, SOUND[..., None]),
    ("STFTSpectrogram", {"frame_length": 16, "mode": "imag"}, SOUND.reshape(2, 200, 2)),
    (
        "STFTSpectrogram",
        {"frame_length": 16, "mode": "magnitude", "expand_dims": True, "scaling": "spectrum"},
        SOUND.reshape(2, 200, 2),
    ),
]

# The same, for layers that work on data only.
HOST = [
    ("Hashing", {"num_bins": 5}, WORDS),
    ("Hashing", {"num_bins": 5, "salt": 7}, WORDS),
    ("Hashing", {"num_bins": 5, "salt": [7, 2**40]}, CATEGORIES),
    ("Hashing", {"num_bins": 5, "mask_value": ""}, WORDS),
    ("Hashing", {"num_bins": 5, "mask_value": 0}, CATEGORIES),
    ("Hashing", {"num_bins": 5, "output_mode": "multi_hot"}, WORDS),
    ("Hashing", {"num_bins": 5, "output_mode": "count"}, CATEGORIES),
    ("Hashing", {"num_bins": 5, "output_mode": "one_hot"}, WORDS[:, :1]),
    ("HashedCrossing", {"num_bins": 7}, [WORDS[:2, 0], CATEGORIES[:, 0]]),
    ("HashedCrossing", {"num_bins": 7, "output_mode": "one_hot"}, [WORDS[:, :1], WORDS[:, 1:]]),
    ("StringLookup", SOME, WORDS),
    ("StringLookup", SOME | {"mask_token": "", "num_oov_indices": 3}, WORDS),
    ("StringLookup", SOME | {"num_oov_indices": 3, "salt": 3}, WORDS),
    ("StringLookup", SOME | {"output_mode": "one_hot"}, WORDS[:, :1]),
    ("StringLookup", SOME | {"output_mode": "multi_hot"}, WORDS),
    ("StringLookup", SOME | {"output_mode": "count", "mask_token": ""}, WORDS),
    (
        "StringLookup",
        SOME | {"output_mode": "tf_idf", "idf_weights": [0.5, 0.25, 2.0]},
        WORDS,
    ),
    (
        "StringLookup",
        SOME | {"output_mode": "count", "max_tokens": 9, "pad_to_max_tokens": True},
        WORDS,
    ),
    ("TextVectorization", SOME, TEXTS),
    ("TextVectorization", SOME, TEXTS[:, None]),
    ("TextVectorization", SOME | {"output_sequence_length": 2}, TEXTS),
    ("TextVectorization", SOME | {"output_sequence_length": 9, "standardize": None}, TEXTS),
    ("TextVectorization", {"vocabulary": ["the cat", "dog"], "ngrams": 2}, TEXTS),
    ("TextVectorization", {"vocabulary": ["the cat", "dog"], "ngrams": (2,)}, TEXTS),
    ("TextVectorization", {"vocabulary": list("abcdr"), "split": "character"}, TEXTS),
    ("TextVectorization", SOME | {"split": None, "standardize": "lower"}, WORDS),
    ("TextVectorization", SOME | {"split": None}, WORDS[:, 1]),  # the words of one text
    ("TextVectorization", SOME | {"split": None, "output_sequence_length": 5}, WORDS[:, 1]),
    ("TextVectorization", SOME | {"split": None, "output_mode": "count", "ngrams": 2}, WORDS[:, 1]),
    ("TextVectorization", SOME | {"output_mode": "multi_hot"}, TEXTS),
    ("TextVectorization", SOME | {"output_mode": "multi_hot"}, TEXTS[2:3]),  # no words at all
    ("TextVectorization", SOME | {"output_mode": "count", "standardize": "lower"}, TEXTS),
    (
        "TextVectorization",
        SOME | {"output_mode": "tf_idf", "idf_weights": [0.5, 0.25, 2.0]},
        TEXTS,
    ),
]

UNIT = {"value_range": (0, 1)}

# Layers that draw numbers, for images.
RANDOM = [
    ("RandomCrop", {"height": 4, "width": 5}),
    ("RandomFlip", {}),
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomTranslation", {"height_factor": 0.4, "width_factor": (0.1, 0.3)}),
    ("RandomTranslation", {"height_factor": 0.4, "width_factor": 0.0, "fill_mode": "wrap"}),
    ("RandomRotation", {"factor": 0.3}),
    ("RandomRotation", {"factor": (0.1, 0.2), "fill_mode": "constant", "fill_value": 7.0}),
    ("RandomZoom", {"height_factor": 0.4}),
    ("RandomZoom", {"height_factor": (-0.4, -0.1), "width_factor": 0.2, "fill_mode": "nearest"}),
    ("RandomShear", {"x_factor": (0.1, 0.4), "y_factor": (0.0, 0.2)}),
    ("RandomPerspective", {"scale": 0.5}),
    ("RandomElasticTransform", {"factor": (1.0, 1.0)}),
    ("RandomElasticTransform", {"scale": 0.5, "fill_mode": "mirror"}),
    ("RandomBrightness", {"factor": 0.4}),
    ("RandomBrightness", {"factor": (-0.4, 0.1)} | UNIT),
    ("RandomContrast", {"factor": 0.6}),
    ("RandomContrast", {"factor": (0.2, 3.0)}),
    ("RandomColorDegeneration", {"factor": 0.6}),
    ("RandomColorJitter", {"brightness_factor": 0.2, "contrast_factor": 0.2, "hue_factor": 0.1}),
    ("RandomColorJitter", {"saturation_factor": 0.2}),
    ("RandomGaussianBlur", {"kernel_size": 5, "sigma": (0.5, 0.9)}),
    ("RandomGrayscale", {}),
    ("RandomHue", {"factor": 0.3}),
    ("RandomInvert", {}),
    ("RandomPosterization", {"factor": (3, 6)}),
    ("RandomSaturation", {"factor": (0.2, 0.7)}),
    ("RandomSharpness", {"factor": 0.9}),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": (0.2, 0.9)}),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": (0.2, 0.9)} | UNIT),
    ("MixUp", {}),
    ("CutMix", {}),
    ("RandomErasing", {"factor": (1.0, 1.0)}),
    ("RandomErasing", {"fill_value": [1.0, 2.0, 3.0]}),
    ("RandAugment", {"num_ops": 1}),
    ("AugMix", {"num_chains": 2, "chain_depth": 1}),
]
RANDOM_IDS = [f"{name}-{i}" for i, (name, _) in enumerate(RANDOM)]


def data_for(arguments):
    """Images with values in the range that a layer expects."""
    return IMAGES / 255 if arguments.get("value_range") == (0, 1) else IMAGES

"""Each argument of each layer does what it does in Keras 3."""

import inspect

import numpy as np
import pytest
from cases.layers import data

from kerasish import layers, tree

keras = pytest.importorskip("keras", minversion="3")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# --- the table ---------------------------------------------------------------------------


def each(**arguments):
    """Variations that change one argument each."""
    return [{name: value} for name, value in arguments.items()]


def of_weight(name, stem=None):
    """The arguments that say how a weight starts, what it costs, and where it has to stay."""
    stem = stem or name
    return each(
        **{
            f"{stem}_initializer": "ones",
            f"{stem}_regularizer": "l2",
            f"{stem}_constraint": "non_neg",
        }
    )


BIAS = [*of_weight("bias"), *each(use_bias=False)]
DENSE = [*of_weight("kernel"), *BIAS, *each(activation="tanh", activity_regularizer="l2")]
SCALED = [*of_weight("gamma"), *of_weight("beta"), *each(epsilon=0.1, center=False, scale=False)]
SEQUENCES = each(return_sequences=True, return_state=True, go_backwards=True, unroll=True, seed=1)
RECURRENT = [*DENSE, *of_weight("recurrent"), *SEQUENCES, *each(zero_output_for_mask=True)]
RECURRENT += [*each(dropout=0.5, recurrent_dropout=0.5, stateful=True)]
GATES = each(recurrent_activation="relu")
CONV_RECURRENT = [v for v in RECURRENT if not {"unroll", "zero_output_for_mask"} & set(v)]
CONV_RECURRENT += GATES + each(unit_forget_bias=False)
HEADS = [*of_weight("kernel"), *BIAS, *each(dropout=0.5, seed=1, activity_regularizer="l2")]
HEADS += each(flash_attention=False, use_gate=True, sliding_window=2)
PADDED = [{"strides": 2, "output_padding": 1}]
SHAPES = {1: (2, 7, 4), 2: (2, 7, 6, 4), 3: (1, 7, 6, 5, 4)}
FIRST = {"data_format": "channels_first"}

# layer -> its arguments, shape(s) of its input(s), variations of the arguments
TABLE = {
    "Dense": ({"units": 3}, (2, 5), DENSE),
    "EinsumDense": (
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 4), "bias_axes": "e"},
        (2, 5, 3),
        [v for v in DENSE if "use_bias" not in v] + each(bias_axes="de"),
    ),
    "Embedding": (
        {"input_dim": 4, "output_dim": 3},
        "integers",
        [*of_weight("embeddings"), *each(mask_zero=True, weights=[np.ones((4, 3), "float32")])],
    ),
    "ReLU": ({}, (2, 5), each(max_value=0.5, negative_slope=0.2, threshold=0.3)),
    "LeakyReLU": ({}, (2, 5), each(negative_slope=0.1)),
    "ELU": ({}, (2, 5), each(alpha=0.3)),
    "PReLU": ({}, (2, 3, 5), [*of_weight("alpha"), *each(shared_axes=[1])]),
    "Softmax": ({}, (2, 3, 5), each(axis=1)),
    "Activation": ({"activation": "gelu"}, (2, 5), each(activation="tanh")),
    "Flatten": ({}, (2, 3, 4), [FIRST]),
    "Masking": ({}, (2, 3, 4), each(mask_value=0.5)),
    "ActivityRegularization": ({}, (2, 3), each(l1=0.1, l2=0.1)),
    "BatchNormalization": (
        {},
        (4, 3, 5),
        SCALED
        + each(axis=1, momentum=0.5, moving_mean_initializer="ones", renorm=True)
        + each(moving_variance_initializer="zeros", synchronized=False)
        + [{"renorm": True, "renorm_momentum": 0.5, "renorm_clipping": {"rmax": 1.1}}],
    ),
    "LayerNormalization": ({}, (4, 3, 5), SCALED + each(axis=[1, 2])),
    "GroupNormalization": ({"groups": 2}, (4, 3, 4), SCALED + [{"groups": 3, "axis": 1}]),
    "RMSNormalization": ({}, (4, 3, 5), each(axis=[1, 2], epsilon=0.1)),
    "UnitNormalization": ({}, (4, 3, 5), each(axis=1)),
    "Attention": (
        {},
        [(2, 3, 4), (2, 5, 4)],
        each(use_scale=True, score_mode="concat", dropout=0.5, seed=1),
    ),
    "AdditiveAttention": ({}, [(2, 3, 4), (2, 5, 4)], each(use_scale=False, dropout=0.5)),
    "MultiHeadAttention": (
        {"num_heads": 2, "key_dim": 3},
        [(2, 4, 6), (2, 4, 6)],
        HEADS + each(value_dim=5, output_shape=(2, 3), attention_axes=1),
    ),
    "GroupQueryAttention": (
        {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2},
        [(2, 4, 6), (2, 5, 6)],
        HEADS,
    ),
    "SimpleRNN": (
        {"units": 3},
        (2, 5, 4),
        # Keras's own does not hand this one on.
        [v for v in RECURRENT if "activity_regularizer" not in v],
    ),
    "GRU": ({"units": 3}, (2, 5, 4), RECURRENT + GATES + each(reset_after=False, use_cudnn=False)),
    "LSTM": (
        {"units": 3},
        (2, 5, 4),
        RECURRENT + GATES + each(unit_forget_bias=False, use_cudnn=False),
    ),
    "Dropout": ({"rate": 0.5}, (2, 4, 3), each(noise_shape=(None, 1, None), seed=1)),
    "Dot": ({"axes": (2, 1)}, [(2, 5, 3), (2, 3, 4)], each(normalize=True)),
    "Concatenate": ({}, [(2, 3, 4), (2, 3, 4)], each(axis=1)),
}
for rank, shape in SHAPES.items():
    sizes = (2, 3, 1)[:rank]
    common = [{"padding": "same"}, {"dilation_rate": 2}, {"strides": 2, "padding": "same"}]
    window = [*common, *each(kernel_size=sizes, strides=sizes[::-1])]
    base = {"filters": 4, "kernel_size": 3}
    # What has nothing to do with axes is one code for all.
    dense, recurrent = (DENSE, CONV_RECURRENT) if rank == 1 else ([], [])
    pools = each(pool_size=3, strides=1) + [{"padding": "same", "pool_size": 3}]
    ends = ((1, 2), (0, 1), (1, 0))[:rank] if rank > 1 else (1, 2)
    TABLE |= {
        f"Conv{rank}D": (base, shape, [*dense, *window, *each(groups=2)]),
        f"Conv{rank}DTranspose": (base, shape, [*dense, *window, *PADDED]),
        f"MaxPooling{rank}D": ({"pool_size": 2}, shape, pools),
        f"AveragePooling{rank}D": ({"pool_size": 2}, shape, pools),
        f"GlobalMaxPooling{rank}D": ({}, shape, each(keepdims=True)),
        f"GlobalAveragePooling{rank}D": ({}, shape, each(keepdims=True)),
        f"AdaptiveMaxPooling{rank}D": (
            {"output_size": 2},
            shape,
            each(output_size=(3, 2, 4)[:rank]),
        ),
        f"AdaptiveAveragePooling{rank}D": (
            {"output_size": 2},
            shape,
            each(output_size=(3, 2, 4)[:rank]),
        ),
        f"Cropping{rank}D": ({}, shape, each(cropping=ends)),
        f"ZeroPadding{rank}D": ({}, shape, each(padding=ends)),
        f"UpSampling{rank}D": (
            {"size": 2},
            shape,
            each(size=sizes if rank > 1 else 3) + (each(interpolation="bicubic") * (rank == 2)),
        ),
        f"ConvLSTM{rank}D": (
            {"filters": 2, "kernel_size": 2},
            (2, 3, *(5, 4, 3)[:rank], 2),
            [*common, *recurrent],
        ),
    }
    if rank < 3:
        # Of both spatial axes the strides are one number.
        window = [v for v in window if v.get("strides") != sizes[::-1] or rank == 1]
        depthwise = [v for v in dense if not any(key.startswith("kernel") for key in v)]
        depthwise += [*of_weight("depthwise") * (rank == 1), *window, *each(depth_multiplier=2)]
        TABLE |= {
            f"DepthwiseConv{rank}D": ({"kernel_size": 3}, shape, depthwise),
            f"SeparableConv{rank}D": (base, shape, [*depthwise, *of_weight("pointwise")]),
        }
CASES = [
    pytest.param(name, base | variation, shape, id=f"{name}-{'-'.join(variation) or 'plain'}")
    for name, (base, shape, variations) in TABLE.items()
    for variation in [{}, *variations]
]

# Of all layers, or TensorFlow can't do it on the CPU: `data_format` has tests beside the layers.
APART = {"self", "name", "dtype", "trainable", "kwargs", "data_format", "quantization_config"}
APART |= {"lora_rank", "lora_alpha", "gptq_unpacked_column_size"}  # of quantised or frozen weights


@pytest.mark.parametrize("name", [name for name in TABLE if not {"2", "3"} & set(name)])
def test_the_table_has_every_argument(name):
    base, _, variations = TABLE[name]
    known = set(inspect.signature(getattr(keras.layers, name).__init__).parameters)
    changed = {key for variation in variations for key in variation}
    left_out = {"activity_regularizer"} if name == "SimpleRNN" else set()
    assert known - changed - set(base) <= APART | left_out


# --- what they do ------------------------------------------------------------------------


# What configs say here only where it is something; the last one is no argument any more.
LEFT_OUT = {"activity_regularizer", "quantization_config", "rms_scaling"}
LEFT_OUT |= {"renorm", "renorm_clipping", "renorm_momentum"}


def inputs_of(shape):
    if shape == "integers":
        return [np.array([[1, 0, 2], [3, 3, 0]])]
    return data(shape, 3) if isinstance(shape, list) else [data(shape, 3)]


def called(layer, name, x, **kwargs):
    spread = "Head" in name or "Query" in name
    return layer(*x, **kwargs) if spread or len(x) == 1 else layer(x, **kwargs)


def ways_to_call(layer, name, arguments, x):
    """Keyword arguments of calls: in training or not, with a mask or without."""
    takes = inspect.signature(type(layer).call).parameters
    chance = {"dropout", "recurrent_dropout", "rate"} & set(arguments)
    ways = [{"training": False}, {"training": True}][: 1 if chance else 2]
    ways = ways if "training" in takes else [{}]
    if "mask" not in takes or len(x) > 1 or name == "Softmax":
        return ways
    mask = data(x[0].shape[:2], 5) > -0.5
    return [way | more for way in ways for more in ({}, {"mask": mask})]


def weights_of(layer):
    return [w for w in layer.weights if "seed" not in w.path]


def described(weights):
    """The names, shapes and kinds of weights; Keras 3 calls one weight otherwise than Keras 2."""
    names = [w.path.split("/", 1)[1].replace("depthwise_kernel", "kernel") for w in weights]
    return [(n, tuple(w.shape), w.trainable) for n, w in zip(names, weights, strict=True)]


def close(actual, desired):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(desired), 2e-4, 2e-4)


def flat(outputs):
    return [outputs] if hasattr(outputs, "shape") else tree.flatten(outputs)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES)
def test_each_argument(name, arguments, shape):
    mine, theirs = (getattr(L, name)(**arguments) for L in (layers, keras.layers))
    x = inputs_of(shape)
    called(mine, name, x), called(theirs, name, x)
    mine_w, theirs_w = weights_of(mine), weights_of(theirs)
    assert described(mine_w) == described(theirs_w)
    for i, (a, b) in enumerate(zip(mine_w, theirs_w, strict=True)):
        if np.ptp(np.asarray(b)) == 0:
            close(a, b)  # what starts with one number
        value = 0.1 + np.abs(data(a.shape, i)) / 2
        a.assign(value), b.assign(value)
    if arguments.get("stateful"):
        mine.reset_states(), theirs.reset_states()
    for way in ways_to_call(theirs, name, arguments, x):
        found, wanted = (flat(called(layer, name, x, **way)) for layer in (mine, theirs))
        for a, b in zip(found, wanted, strict=True):
            close(a, b)
        masks = getattr(found[0], "mask", None), getattr(wanted[0], "_keras_mask", None)
        assert (masks[0] is None) == (masks[1] is None)
        if masks[0] is not None:
            np.testing.assert_array_equal(*masks)
        assert sum(map(float, mine.losses)) == pytest.approx(sum(map(float, theirs.losses)), 1e-4)
        for a, b in zip(mine_w, theirs_w, strict=True):
            close(a, b)
    assert set(theirs.get_config()) - set(mine.get_config()) <= LEFT_OUT

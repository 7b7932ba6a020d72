"""Cases of kerasish.ops.array."""

import numpy as np
from cases.case import Case, booleans, f32, i32, integers, normal, scalar

from kerasish import ops
from kerasish.ops.selection import slice_grad_p, take_grad_p


def scatter(g, indices, shape, axis):
    """Zeros of `shape` to which each slice of g is added at its index."""
    out = np.zeros(shape, g.dtype)
    rows, flat = np.moveaxis(out, axis, 0), np.ravel(indices)
    parts = np.moveaxis(g.reshape(*shape[:axis], flat.size, *shape[axis + 1 :]), axis, 0)
    for index, part in zip(flat, parts, strict=True):
        rows[index] += part
    return out


def placed(g, shape, key):
    out = np.zeros(shape, g.dtype)
    out[key] = g
    return out


# x has shape (3, 4, 5), the first size unknown while the graph is built.
KEYS = [
    ("int", np.s_[1]),
    ("negative int", np.s_[-1]),
    ("int inside", np.s_[:, 2]),
    ("part of the batch", np.s_[1:]),
    ("but the last", np.s_[:-1]),
    ("every second", np.s_[::2]),
    ("backwards", np.s_[::-1]),
    ("backwards inside", np.s_[:, ::-1, 3:0:-2]),
    ("backwards to the start", np.s_[2::-1, :, -2::-3]),
    ("from the end", np.s_[-2:, -3:-1]),
    ("beyond the end", np.s_[1:99, :, 2:99]),
    ("empty", np.s_[:, 2:2]),
    ("ellipsis", np.s_[..., 0]),
    ("new axes", np.s_[:, None, 1, ..., None]),
    ("ellipsis in the middle", np.s_[1, ..., 1:3]),
    ("all ints", np.s_[0, 1, -1]),
    ("list", np.s_[:, [3, 0, 0]]),
    ("list behind an int", np.s_[1, :, [1, -1]]),
]
ARRAY_KEYS = [
    np.s_[[0, 2], [1, 3]],
    np.s_[:, [0, -1], [[1], [4]]],
    np.s_[[[0], [1]], ..., [1, 2, -1]],
    np.s_[[1, 0], 1:3, [2, 2]],
    np.s_[None, [1, 0], [2, 2]],
    np.s_[0, None, [1, 2]],
    np.s_[[[1, 0]], :, 0],
    np.s_[:, []],
    np.s_[:, np.array([True, False, True, True])],
    np.s_[..., np.arange(20).reshape(4, 5) % 3 == 1],
]


def _getitem(key):
    return lambda x: x[key]


CASES = [
    Case(
        "reshape", lambda x: ops.reshape(x, (2, 12)), (normal(2, 3, 4),), lambda x: x.reshape(2, 12)
    ),
    Case(
        "reshape the rest",
        lambda x: ops.reshape(x, (-1, 3, 2, 2)),
        (normal(2, 3, 4),),
        lambda x: x.reshape(2, 3, 2, 2),
    ),
    Case(
        "reshape by run-time size",
        lambda x: ops.reshape(x, (ops.shape(x)[0], -1)),
        (normal(2, 3, 4),),
        lambda x: x.reshape(2, 12),
    ),
    Case(
        "reshape batch into rows",
        lambda x: ops.reshape(x, (-1, 4)),
        (normal(2, 3, 4),),
        lambda x: x.reshape(6, 4),
    ),
    Case(
        "reshape to a scalar",
        lambda x: ops.reshape(x, ()),
        (normal(1, 1),),
        lambda x: x.reshape(()),
    ),
    Case(
        "reshape of ints",
        lambda x: ops.reshape(x, (3, 2)),
        (integers(0, 9, 2, 3),),
        lambda x: x.reshape(3, 2),
    ),
    Case("flatten", ops.flatten, (normal(2, 3),), np.ravel),
    Case("ravel", ops.ravel, (booleans(2, 3),), np.ravel),
    Case("transpose", ops.transpose, (normal(2, 3, 4),), np.transpose),
    Case(
        "transpose by axes",
        lambda x: ops.transpose(x, (2, 0, -2)),
        (normal(2, 3, 4),),
        lambda x: x.transpose(2, 0, 1),
    ),
    Case(
        "moveaxis",
        lambda x: ops.moveaxis(x, 0, -1),
        (normal(2, 3, 4),),
        lambda x: np.moveaxis(x, 0, -1),
    ),
    Case(
        "moveaxis of two",
        lambda x: ops.moveaxis(x, (0, 1), (-1, 0)),
        (normal(2, 3, 4),),
        lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
    ),
    Case(
        "swapaxes",
        lambda x: ops.swapaxes(x, 0, -1),
        (normal(2, 3, 4),),
        lambda x: x.swapaxes(0, -1),
    ),
    Case("expand_dims", lambda x: ops.expand_dims(x, -1), (normal(2, 3),), lambda x: x[..., None]),
    Case(
        "expand_dims of an array of two",
        lambda x: ops.expand_dims(x, np.array([0, 1])),
        (normal(2, 1),),
        lambda x: x[None, None],
    ),
    Case(
        "expand_dims of two",
        lambda x: ops.expand_dims(x, (0, -1)),
        (normal(2, 3),),
        lambda x: x[None, ..., None],
    ),
    Case("squeeze", lambda x: ops.squeeze(x, 1), (normal(2, 1, 3),), lambda x: x[:, 0]),
    Case("squeeze all", ops.squeeze, (normal(2, 1, 3, 1),), np.squeeze),
    Case(
        "broadcast_to",
        lambda x: ops.broadcast_to(x, (2, 3, 4)),
        (normal(3, 1),),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        batch=(),
    ),
    Case(
        "broadcast_to the batch",
        lambda x, b: ops.broadcast_to(b, (ops.shape(x)[0], 3)) + x,
        (normal(4, 3), normal(3)),
        lambda x, b: x + b,
    ),
    Case(
        "concatenate",
        lambda *xs: ops.concatenate(xs, axis=1),
        (normal(2, 3), normal(2, 1), normal(2, 2)),
        lambda *xs: np.concatenate(xs, 1),
    ),
    Case(
        "concatenate batches",
        lambda *xs: ops.concatenate(xs, axis=0),
        (normal(2, 3), normal(1, 3)),
        lambda *xs: np.concatenate(xs, 0),
        batch=(0, 1),
    ),
    Case(
        "concatenate ints and floats",
        lambda *xs: ops.concatenate(xs, axis=-1),
        (normal(2, 3), integers(0, 9, 2, 2)),
        lambda *xs: np.concatenate(xs, -1),
    ),
    Case("concatenate one", lambda x: ops.concatenate([x], axis=0), (normal(2),), lambda x: x),
    Case(
        "stack", lambda *xs: ops.stack(xs), (normal(2, 3), normal(2, 3)), lambda *xs: np.stack(xs)
    ),
    Case(
        "stack last",
        lambda *xs: ops.stack(xs, axis=-1),
        (normal(2, 3), normal(2, 3)),
        lambda *xs: np.stack(xs, -1),
        batch=(0, 1),
    ),
    Case("split", lambda x: ops.split(x, 2, axis=1), (normal(2, 4),), lambda x: np.split(x, 2, 1)),
    Case(
        "split at",
        lambda x: ops.split(x, [1, 3], axis=-1),
        (normal(2, 4),),
        lambda x: np.split(x, [1, 3], -1),
    ),
    Case(
        "split the batch", lambda x: ops.split(x, [1]), (normal(3, 2),), lambda x: np.split(x, [1])
    ),
    Case("unstack", lambda x: ops.unstack(x, axis=1), (normal(2, 3),), lambda x: list(x.T)),
    Case("unstack the batch", lambda x: ops.unstack(x, num=2), (normal(2, 3),), list),
    Case("tile", lambda x: ops.tile(x, (2, 3)), (normal(2, 3),), lambda x: np.tile(x, (2, 3))),
    Case(
        "tile to more axes",
        lambda x: ops.tile(x, (2, 1, 2)),
        (normal(2, 3),),
        lambda x: np.tile(x, (2, 1, 2)),
    ),
    Case("tile fewer", lambda x: ops.tile(x, 2), (normal(2, 3),), lambda x: np.tile(x, 2)),
    Case(
        "repeat", lambda x: ops.repeat(x, 2, axis=1), (normal(2, 3),), lambda x: np.repeat(x, 2, 1)
    ),
    Case(
        "repeat the batch",
        lambda x: ops.repeat(x, 3, axis=0),
        (normal(2, 3),),
        lambda x: np.repeat(x, 3, 0),
    ),
    Case(
        "repeat flat", lambda x: ops.repeat(x, 2), (i32([1, 2], [3, 4]),), lambda x: np.repeat(x, 2)
    ),
    *(
        Case(f"getitem {what}", _getitem(key), (normal(3, 4, 5),), _getitem(key))
        for what, key in KEYS
    ),
    *(
        Case(f"getitem by arrays {i}", _getitem(key), (normal(3, 4, 5),), lambda x, k=key: x[k])
        for i, key in enumerate(ARRAY_KEYS)
    ),
    Case(
        "getitem by tensors",
        lambda x, i, j: x[i, :, j],
        (normal(3, 2, 4), i32(0, 2), i32([1, -1], [3, 0])),
        lambda x, i, j: x[i, :, j],
        batch=(0, 1, 2),
    ),
    Case(
        "getitem by a scalar",
        lambda x, i: x[:, i, 1:],
        (normal(3, 2, 4), scalar(1, "int32")),
        lambda x, i: x[:, i, 1:],
    ),
    Case("getitem of ints", lambda x: x[1:, ::-1], (integers(0, 9, 3, 4),), lambda x: x[1:, ::-1]),
    Case(
        "getitem from before the start", lambda x: x[-9::-1], (normal(3, 2),), lambda x: x[-9::-1]
    ),
    Case("getitem nothing to do", lambda x: x[:, ...], (normal(3, 2),), lambda x: x),
    Case(
        "take",
        lambda x, i: ops.take(x, i, axis=0),
        (normal(4, 3), i32(0, 3, 3, -1)),
        lambda x, i: x[i],
    ),
    Case(
        "take rank 2",
        lambda x, i: ops.take(x, i, axis=1),
        (normal(2, 4, 3), i32([0, 3], [3, 1])),
        lambda x, i: x[:, i],
        batch=(0, 1),
    ),
    Case(
        "take last",
        lambda x, i: ops.take(x, i, axis=-1),
        (normal(2, 3), i32(2, 0, 2)),
        lambda x, i: x[:, i],
    ),
    Case("take nothing", lambda x: ops.take(x, [], 1), (normal(2, 3),), lambda x: x[:, :0]),
    Case("take flat", ops.take, (normal(2, 3), i32(5, 0)), np.take),
    Case(
        "take one",
        lambda x, i: ops.take(x, i, axis=0),
        (normal(4, 3), scalar(2, "int32")),
        lambda x, i: x[i],
    ),
    Case(
        "take of ints",
        lambda x, i: ops.take(x, i, axis=0),
        (i32(10, 20, 30), i32(2, 1)),
        lambda x, i: x[i],
    ),
    Case(
        "take_grad",
        lambda g, i: take_grad_p(g, i, shape=(4, 3), axis=0),
        (normal(3, 3), i32(1, 3, 1)),
        lambda g, i: scatter(g, i, (4, 3), 0),
    ),
    Case(
        "take_grad inside",
        lambda g, i: take_grad_p(g, i, shape=(2, 4, 3), axis=1),
        (normal(2, 2, 2, 3), i32([0, 3], [3, 1])),
        lambda g, i: scatter(g, i, (2, 4, 3), 1),
        batch=(),
    ),
    Case(
        "slice_grad",
        lambda g: slice_grad_p(g, shape=(4, 5), start=(1, 3), stop=(3, -1), step=(1, -2)),
        (normal(2, 2),),
        lambda g: placed(g, (4, 5), np.s_[1:3, 3::-2]),
    ),
    Case(
        "pad",
        lambda x: ops.pad(x, ((1, 0), (0, 2))),
        (normal(2, 3),),
        lambda x: np.pad(x, ((1, 0), (0, 2))),
    ),
    Case(
        "pad with a value",
        lambda x: ops.pad(x, 1, constant_values=-1.5),
        (normal(2, 3),),
        lambda x: np.pad(x, 1, constant_values=-1.5),
    ),
    Case(
        "pad of ints",
        lambda x: ops.pad(x, (0, 2), constant_values=7),
        (i32(1, 2),),
        lambda x: np.pad(x, (0, 2), constant_values=7),
    ),
    Case(
        "pad reflect",
        lambda x: ops.pad(x, ((0, 0), (2, 1)), mode="reflect"),
        (normal(2, 4),),
        lambda x: np.pad(x, ((0, 0), (2, 1)), mode="reflect"),
        batch=(),
    ),
    Case(
        "pad symmetric",
        lambda x: ops.pad(x, ((1, 0), (2, 1)), mode="symmetric"),
        (normal(2, 4),),
        lambda x: np.pad(x, ((1, 0), (2, 1)), mode="symmetric"),
        batch=(),
    ),
    Case("flip", lambda x: ops.flip(x, 1), (normal(2, 3),), lambda x: np.flip(x, 1)),
    Case("flip all", ops.flip, (normal(2, 3),), np.flip),
    Case("full", lambda: ops.full((2, 3), 1.5), (), lambda: np.full((2, 3), 1.5)),
    Case("full of ints", lambda: ops.full(3, 7, "int32"), (), lambda: np.full(3, 7)),
    Case(
        "full of a tensor",
        lambda x: ops.full((2, 3), x),
        (normal(3),),
        lambda x: np.broadcast_to(x, (2, 3)),
        batch=(),
    ),
    Case("full_like", lambda x: ops.full_like(x, 2), (normal(2, 3),), lambda x: np.full_like(x, 2)),
    Case("zeros", lambda: ops.zeros((2, 3)), (), lambda: np.zeros((2, 3))),
    Case(
        "zeros for each sample",
        lambda x: ops.zeros((ops.shape(x)[0], 2)),
        (normal(3, 1),),
        lambda x: np.zeros((3, 2)),
    ),
    Case("ones", lambda: ops.ones(4, "bool"), (), lambda: np.ones(4, bool)),
    Case("zeros_like", lambda x: ops.zeros_like(x) + x, (normal(2, 3),), lambda x: x),
    Case("ones_like", lambda x: ops.ones_like(x), (integers(0, 5, 2, 3),), np.ones_like),
    Case(
        "ones_like by dtype",
        lambda x: ops.ones_like(x, dtype="float32") * 3,
        (integers(0, 5, 2, 3),),
        lambda x: np.full((2, 3), 3.0),
    ),
    Case("arange", lambda: ops.arange(5), (), lambda: np.arange(5)),
    Case("arange of floats", lambda: ops.arange(1, 2, 0.25), (), lambda: np.arange(1, 2, 0.25)),
    Case(
        "arange of a small int",
        lambda: ops.arange(5, ops.convert_to_tensor(np.uint8(2)), -1),
        (),
        lambda: np.array([5, 4, 3], "uint8"),
    ),
    Case("arange down", lambda: ops.arange(7, 0, -3), (), lambda: np.arange(7, 0, -3)),
    Case("arange as floats", lambda: ops.arange(3, dtype="float32"), (), lambda: np.arange(3.0)),
    Case(
        "arange over the batch",
        lambda x: ops.arange(ops.shape(x)[0]),
        (normal(4, 2),),
        lambda x: np.arange(4),
    ),
    Case(
        "arange down the batch",
        lambda x: ops.arange(ops.shape(x)[0] - 1, -1, -1),
        (normal(4, 2),),
        lambda x: np.arange(3, -1, -1),
    ),
    # Too large to be computed beforehand: the engine makes them.
    Case("full of many", lambda: ops.full((70, 71), -0.5), (), lambda: np.full((70, 71), -0.5)),
    Case("arange of many", lambda: ops.arange(5000), (), lambda: np.arange(5000)),
    Case("eye", lambda: ops.eye(3), (), lambda: np.eye(3)),
    Case(
        "eye off the diagonal",
        lambda: ops.eye(2, 4, 1, "int32"),
        (),
        lambda: np.eye(2, 4, 1, "int32"),
    ),
    Case("one_hot", lambda x: ops.one_hot(x, 4), (integers(0, 4, 2, 3),), lambda x: np.eye(4)[x]),
    Case(
        "one_hot of small ints among many",
        lambda x: ops.one_hot(x, 300),
        (np.array([0, 5, 255], "uint8"),),
        lambda x: np.eye(300)[x],
    ),
    Case(
        "one_hot on axis 1",
        lambda x: ops.one_hot(x, 4, axis=1, dtype="int32"),
        (integers(0, 4, 2, 3),),
        lambda x: np.eye(4, dtype="int32")[x].transpose(0, 2, 1),
    ),
    Case(
        "one_hot outside",
        lambda x: ops.one_hot(x, 2),
        (i32(-1, 1, 2),),
        lambda x: f32([0, 0], [0, 1], [0, 0]),
    ),
    Case(
        "shape in arithmetic",
        lambda x: ops.sum(x) / ops.shape(x)[0],
        (normal(4, 2),),
        lambda x: x.sum() / 4,
    ),
    Case(
        "shape as a tensor",
        lambda x: ops.cast(ops.shape(x)[0], "float32") * x,
        (normal(4, 2),),
        lambda x: 4 * x,
    ),
    Case("size of a batch", lambda x: x * ops.size(x), (normal(4, 2),), lambda x: x * 8),
    Case("ndim", lambda x: x * ops.ndim(x), (normal(4, 2),), lambda x: x * 2),
]

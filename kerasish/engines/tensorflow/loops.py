"""Training loops of TensorFlow's kind over our models: `tf.GradientTape` and `@tf.function`.

A tape records what TensorFlow computes. Our tensors know what they were computed from, so that
there is nothing to record. And a function that calls a model of ours is run as it stands: the
model's steps are compiled by us, TensorFlow has nothing to trace there.
"""

from __future__ import annotations

import os
import re
import traceback
import warnings
from functools import cache
from typing import Any

import kerasish
from kerasish import tree
from kerasish.engines.tensorflow import checkpoints, native, programs
from kerasish.engines.tensorflow.library import tf
from kerasish.engines.tensorflow.native import tapes
from kerasish.graph.gradients import gradients
from kerasish.graph.operators import operations
from kerasish.graph.passes import topological_order
from kerasish.graph.primitive import STAND_INS
from kerasish.graph.tensor import Constant, Tensor


@cache
def teach() -> None:
    """Lets tapes and functions of TensorFlow's understand our tensors and models."""
    native.register()
    checkpoints.teach()
    programs.teach()
    _teach_tapes()
    _teach_functions(type(tf.function(_nothing)))


def _nothing() -> None:
    pass


def _ours(structure: Any) -> bool:
    return any(isinstance(x, Tensor) for x in tree.flatten(structure))


# --- tapes -------------------------------------------------------------------------------


def _teach_tapes() -> None:
    tape = tf.GradientTape
    of_tensorflow, watch = tape.gradient, tape.watch
    enter, leave = tape.__enter__, tape.__exit__

    def entered(self: Any) -> Any:
        tapes.open += 1
        return enter(self)

    def left(self: Any, *error: Any) -> None:
        tapes.open -= 1
        if not tapes.open:
            STAND_INS.clear()
        leave(self, *error)

    def gradient(
        self: Any,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = tf.UnconnectedGradients.NONE,
    ) -> Any:
        if _ours([target, sources]):
            zeros = tf.UnconnectedGradients(unconnected_gradients) == tf.UnconnectedGradients.ZERO
            known = getattr(self, "_stand_ins", {})
            leaves = [known.get(id(x), (x, x))[1] for x in tree.flatten(sources)]
            return _gradient(target, tree.pack(sources, leaves), output_gradients, zeros)
        return of_tensorflow(self, target, sources, output_gradients, unconnected_gradients)

    def watched(self: Any, tensor: Any) -> None:
        others = [t for t in tree.flatten(tensor) if not isinstance(t, Tensor)]
        if others:
            watch(self, others)
        if not tf.executing_eagerly():
            return
        # A model of ours that gets one of these takes what stands for it.
        found = {id(t): (t, Constant(t.numpy())) for t in others if hasattr(t, "numpy")}
        self._stand_ins = {**getattr(self, "_stand_ins", {}), **found}
        STAND_INS.update(found)

    tape.gradient, tape.watch = gradient, watched
    tape.__enter__, tape.__exit__ = entered, left


def _gradient(target: Any, sources: Any, output_gradients: Any, zeros: bool) -> Any:
    """What a tape gives: of sources that the target does not depend on None, or `zeros`."""
    targets = tree.flatten(target)
    if output_gradients is not None:
        weights = tree.flatten(output_gradients)
        targets = [t * w for t, w in zip(targets, weights, strict=True)]
    total = sum(operations().sum(t) for t in targets)
    flat = tree.flatten(sources)
    grads = gradients(total, flat)
    if not zeros:
        behind = {id(t) for node in topological_order([total]) for t in node.inputs}
        grads = [g if id(x) in behind else None for x, g in zip(flat, grads, strict=True)]
    return tree.pack(sources, grads)


# --- functions ---------------------------------------------------------------------------

_PACKAGE = os.path.dirname(str(kerasish.__file__))
_ENGINE = os.path.dirname(__file__)


def _teach_functions(function: Any) -> None:
    call = function.__call__

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(self, "_uses_our_models", False) or _ours([list(args), kwargs]):
            return self.python_function(*args, **kwargs)
        try:
            return call(self, *args, **kwargs)
        except tf.errors.OpError:
            raise  # it was traced: what failed is a computation
        except Exception as error:
            if not _went_through_our_code(error):
                raise
        self._uses_our_models = True
        warnings.warn(
            f"{self.python_function.__name__} uses models or layers of {kerasish.__name__}, which "
            "compile their steps themselves: it runs as plain Python, without tf.function.",
            stacklevel=2,
        )
        return self.python_function(*args, **kwargs)

    function.__call__ = called


def _went_through_our_code(error: BaseException | None) -> bool:
    """Whether it came from there, also as AutoGraph tells it, which translates what it runs."""
    while error is not None:
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        files += re.findall('File "(.+?)"', str(error))
        if any(f.startswith(_PACKAGE) and not f.startswith(_ENGINE) for f in files):
            return True
        error = error.__cause__ or error.__context__
    return False

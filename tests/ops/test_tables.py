"""The tables themselves: shapes inferred without running, and that nothing is left out."""

import inspect

import numpy as np
import pytest
from cases.run import EVERY_COMPOSITE, build, outputs_of, placeholders
from cases.tables import TABLES

import kerasish.ops
import kerasish.random
from kerasish.graph.function import Function
from kerasish.graph.primitive import PRIMITIVES
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Placeholder

CASES = [case for cases in TABLES.values() for case in cases]
# Decided or resolved while a Function specialises: no engine ever meets these, nor those that wait
# for sizes.
NEVER_RUN = {"size", "phase", "identity"}
# Tested elsewhere: test_graph.py and test_programs.py have their tests.
NO_CASE = {"gradients", "convert_to_tensor", "convert_to_numpy"}
# Functions of an engine's own, which has no reference: tests/layers/test_foreign.py tests them.
NATIVE = {"native_call"}


class AnyEngine:
    """What the passes ask of an engine, that takes composites and gradients or does not."""

    def __init__(self, composites: bool, native_gradients: bool):
        self.native_gradients = native_gradients
        self.higher_gradients = True
        self.without_gradient = ()
        self.lowers = lambda op: composites or op not in EVERY_COMPOSITE


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.reference], ids=lambda c: c.name.replace(" ", "_")
)
def test_shapes_are_inferred(case):
    """With all sizes known the spec is the value's; with unknown ones it fits the value's."""
    right = [Spec(value.shape, value.dtype.name) for value in case.expected()]
    known = outputs_of(case, placeholders(case, case.inputs, known=True))
    assert [t.spec for t in known] == right
    unknown = outputs_of(case, placeholders(case, case.inputs))
    for tensor, spec in zip(unknown, right, strict=True):
        assert tensor.dtype == spec.dtype
        assert compatible(tensor.shape, spec.shape), (tensor.shape, spec.shape)
        assert tensor.shape.count(None) <= len(case.batch), "more unknown than need be"


# Cases that are refused where no size is known, and why. In all others shapes are inferred.
REFUSED = {
    name: reason
    for reason, names in {
        "as many results as the axis is long": ["unstack"],
    }.items()
    for name in names
}
# Cases that need the size of an input themselves, or depend on what unknown sizes turn out to be.
KNOWN_ONLY = {
    "cholesky",
    "cholesky upper",
    "cholesky_inverse lower",
    "cholesky_inverse upper",
    "logdet",
    "squeeze all",  # sizes that are not known are taken not to be 1, as in Keras
    "einsum b...,b...->b... 10",  # and to be equal, where one letter (or dot) names them
    "solve with leading axes that broadcast",  # likewise
    "min of nothing",
    "cross in the plane",  # vectors of unknown sizes are taken for ones of 3 elements
    *("qr", "qr square", "qr wide", "eig", "fft of complex numbers"),
}


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.reference and c.name not in KNOWN_ONLY],
    ids=lambda c: c.name.replace(" ", "_"),
)
def test_shapes_of_unknown_sizes(case):
    """With no size known the operation gives what it gives otherwise."""
    inputs = [Placeholder((None,) * x.ndim, x.dtype.name) for x in case.inputs]
    if case.name in REFUSED:
        with pytest.raises(ValueError, match=rf"^{case.op}.*(size|axis|number)"):
            outputs_of(case, inputs)
        return
    outputs = outputs_of(case, inputs)
    right = [Spec(value.shape, value.dtype.name) for value in case.expected()]
    for tensor, spec in zip(outputs, right, strict=True):
        assert tensor.dtype == spec.dtype
        assert compatible(tensor.shape, spec.shape), (tensor.shape, spec.shape)
    function = Function(inputs, outputs, training=case.training)
    specs = [Spec(x.shape, x.dtype.name) for x in case.inputs]
    program, _ = function.lower(specs, AnyEngine(True, True))
    assert _output_specs(program) == right


def _output_specs(program):
    """The specs of a Program's outputs, as its rules give them."""
    specs = dict(program.inputs)
    specs.update((i, Spec(x.shape, x.dtype.name)) for i, x in program.constants.items())
    for instruction in program.instructions:
        specs.update(zip(instruction.outputs, instruction.specs, strict=True))
    return [specs[i] for i in program.outputs]


def test_names_are_unique():
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_public_operation_has_a_case():
    public = {
        name
        for name, value in vars(kerasish.ops).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    assert public - {case.op for case in CASES} - NO_CASE - NATIVE - {"getitem"} == set()


@pytest.mark.parametrize("module", [kerasish.ops, kerasish.ops.image, kerasish.random])
def test_every_public_operation_has_an_example(module):
    public = {n: v for n, v in vars(module).items() if inspect.isfunction(v) and n[0] != "_"}
    assert not [name for name, value in public.items() if ">>> " not in (value.__doc__ or "")]
    several = {n: v for n, v in public.items() if len(inspect.signature(v).parameters) > 1}
    assert not [name for name, value in several.items() if "Args:" not in value.__doc__]


def test_every_primitive_has_a_case():
    """Whole composites, expanded ones, and gradients by the rules, all taken together."""
    reached = set()
    for case in CASES:
        built = build(case)
        for composites, native in ((True, False), (True, True), (False, False)):
            function = Function(
                built.inputs, [*built.outputs, *built.grads], training=case.training
            )
            specs = [Spec(x.shape, x.dtype.name) for x in case.inputs]
            program, _ = function.lower(specs, AnyEngine(composites, native))
            reached.update(program.ops)
    waiting = {name for name, primitive in PRIMITIVES.items() if primitive.needs_sizes}
    assert reached & (NEVER_RUN | waiting) == set()
    assert set(PRIMITIVES) - reached - NEVER_RUN - waiting - NATIVE == set()


def test_the_reference_lowers_every_primitive():
    from kerasish.engines import reference

    missing = [
        name
        for name, primitive in PRIMITIVES.items()
        if primitive.expansion is None and not reference().lowers(name)
    ]
    assert set(missing) - NEVER_RUN - NATIVE - {"gradients"} == set()


def test_weights_and_directions_do_not_depend_on_the_order_of_tests():
    case = CASES[0]
    first, second = (case.weights([np.zeros((2, 3), "float32")])[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_size_alone_may_be_what_is_waited_for():
    x = Placeholder((None, 3), "float32")
    powers = kerasish.ops.vander([1, 2], kerasish.ops.shape(x)[0])
    assert powers.shape == (2, None)
    (found,) = Function([x], [powers])(np.ones((3, 3), "float32"))
    np.testing.assert_array_equal(found, [[1, 1, 1], [4, 2, 1]])

"""Every case on every engine: values, gradients, and the gradients by finite differences."""

import re

import numpy as np
import pytest
from cases.case import Case
from cases.limits import LIMITS
from cases.run import ByRules, Expanded, InBulk, Outcome, Table, has_gradient
from cases.tables import TABLES

from kerasish import config
from kerasish.engines import reference
from kerasish.engines.base import MissingOperationError
from kerasish.graph.function import Function


def rows(wanted=lambda case: True, tables=tuple(TABLES)):
    return pytest.mark.parametrize(
        ("table", "case"),
        [
            pytest.param(table, case, id=f"{table}-{case.name.replace(' ', '_')}")
            for table in tables
            for case in TABLES[table]
            if wanted(case)
        ],
    )


@pytest.fixture(autouse=True)
def _limits(request):
    """Tests of what an engine cannot get right have to fail."""
    given = request.node.callspec.params
    limits = LIMITS.get(given.get("loaded_engine"), {})
    reason = limits.get((given["table"], given["case"].name))
    if reason:
        request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))


# The tables whose operations include composites.
WITH_COMPOSITES = (
    *("nn", "random", "optimize", "decompositions", "fft", "gaussian"),
    *("special", "arrangement", "sorting", "halves"),
)

_tables: dict[tuple, Table] = {}
_outcomes: dict[tuple, dict[str, Outcome]] = {}


def outcome(engine, table, case, floats="float32", kind=Function, step=0.0) -> Outcome:
    """What the engine makes of a case, run with its whole table when first asked for."""
    key = (engine.name, table, floats, kind)
    if key not in _tables:
        _tables[key] = Table(engine, TABLES[table], floats, kind)
    at = (*key, step)
    if at not in _outcomes:
        _outcomes[at] = _tables[key].run(step)
    found = _outcomes[at][case.name]
    if found.error is not None:
        raise found.error
    return found


def refused(found: Outcome) -> bool:
    """Whether the engine refuses the case or its gradients, which it said before running it."""
    return bool(found.built.refusal or found.built.refused_gradients)


@rows()
def test_values(engine, table, case):
    found = outcome(engine, table, case)
    if found.built.refusal:
        function = Function(found.built.inputs, found.built.outputs)
        reason = found.built.refusal.split("(used by")[0].splitlines()[-1]  # names the operation
        with pytest.raises(MissingOperationError, match=re.escape(reason)):
            function(*case.inputs)
        return
    if case.check is not None:
        case.check(*found.values)
        return
    expected = case.expected()
    assert [v.dtype.name for v in found.values] == [e.dtype.name for e in expected]
    assert [v.shape for v in found.values] == [e.shape for e in expected]
    for value, right in zip(found.values, expected, strict=True):
        np.testing.assert_allclose(value, right, rtol=case.tolerance, atol=case.tolerance)


@rows(has_gradient)
def test_gradients_are_those_of_the_reference(engine, table, case):
    found = outcome(engine, table, case)
    if refused(found):
        return
    right = expected_gradients(table, case)
    assert [g.shape for g in found.grads] == [g.shape for g in right]
    close(found.grads, right, 5 * case.tolerance)


def expected_gradients(table: str, case: Case) -> list[np.ndarray]:
    """The case's own, or those that the NumPy engine finds in float64."""
    if case.gradient is None:
        with config.backend_scope("numpy"):
            return outcome(reference(), table, case, "float64").grads
    grads = case.gradient(*case.weights(case.expected()), *case.inputs)
    floats = [x.dtype.kind == "f" for x in case.inputs]
    return [np.asarray(g) for g, wanted in zip(grads, floats, strict=True) if wanted]


def close(found, right, tolerance):
    for grad, exact in zip(found, right, strict=True):
        size = max(1.0, float(np.abs(exact).max(initial=0)))
        np.testing.assert_allclose(grad, exact, rtol=tolerance, atol=tolerance * size)


@rows(lambda case: has_gradient(case) and case.gradient is None)
def test_gradients_are_those_of_finite_differences(engine, table, case):
    """Along one direction, which differs in every element; in float64 on the reference."""
    precise = engine.name == "numpy"
    floats, step, tolerance = ("float64", 1e-5, 1e-6) if precise else ("float32", 1e-2, 2e-2)
    found = outcome(engine, table, case, floats)
    if refused(found):
        return
    ahead = outcome(engine, table, case, floats, step=step).loss()
    behind = outcome(engine, table, case, floats, step=-step).loss()
    along = [
        d for d, x in zip(found.built.directions(), case.inputs, strict=True) if x.dtype.kind == "f"
    ]
    terms = [g.astype("float64") * d for g, d in zip(found.grads, along, strict=True)]
    size = sum(float(np.abs(t).sum()) for t in terms)
    slope = (ahead - behind) / (2 * step)
    np.testing.assert_allclose(
        sum(float(t.sum()) for t in terms), slope, rtol=tolerance, atol=tolerance * (0.1 + size)
    )


@rows(tables=WITH_COMPOSITES)
def test_composites_expanded(engine, table, case):
    """An engine that takes composites whole gets the same from their expansions."""
    same_as_whole(engine, table, case, Expanded)


@rows(tables=WITH_COMPOSITES)
def test_composites_by_their_gradient_rules(table, case):
    same_as_whole(reference(), table, case, ByRules)


@pytest.mark.slow
@rows()
def test_steps_in_bulk(engine, table, case):
    """In the native loop, compiled as the engine likes best, it all comes out the same."""
    if engine.volatile:
        pytest.skip("workers run their steps one by one")
    same_as_whole(engine, table, case, InBulk)


def same_as_whole(engine, table, case, kind):
    found = outcome(engine, table, case, kind=kind)
    if refused(found):
        return
    if case.check is not None:
        case.check(*found.values)
        return
    for value, right in zip(found.values, case.expected(), strict=True):
        np.testing.assert_allclose(value, right, rtol=case.tolerance, atol=case.tolerance)
    if found.grads:
        close(found.grads, expected_gradients(table, case), 5 * case.tolerance)

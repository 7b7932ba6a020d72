"""Docstrings of public operations: all sections, all parameters, in one order."""

import inspect
import re

import pytest

from kerasish import ops, random

MODULES = (ops, ops.numpy, ops.nn, ops.linalg, ops.image, random)
# Under one of their names: an alias has the docstring of what it stands for.
PUBLIC = {
    inspect.unwrap(function): f"{module.__name__.removeprefix('kerasish.')}.{name}"
    for module in MODULES
    for name in dir(module)
    if not name.startswith("_") and inspect.isfunction(function := getattr(module, name))
}


def test_all_namespaces_are_looked_at():
    assert {name.rpartition(".")[0] for name in PUBLIC.values()} >= {"ops.linalg", "ops.image"}
    assert {"add", "relu", "svd", "resize", "uniform", "einsum"} <= {f.__name__ for f in PUBLIC}


@pytest.mark.parametrize("function", [pytest.param(f, id=PUBLIC[f]) for f in PUBLIC])
def test_documentation_is_complete(function):
    text = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    sections = re.findall(r"^(Args|Returns|Raises):$|^(>>>) ", text, re.MULTILINE)
    found = list(dict.fromkeys(section or example for section, example in sections))
    wanted = ["Args", "Returns", "Raises", ">>>"]
    if not signature.parameters:
        wanted.remove("Args")
    if signature.return_annotation in (None, "None") and "Returns" not in found:
        wanted.remove("Returns")
    assert found == wanted
    described = text.partition("Args:\n")[2].partition("\n\n")[0]
    heads = " ".join(re.findall(r"^    (\S.*?):", described, re.MULTILINE))
    assert [name for name in signature.parameters if not re.search(rf"\b{name}\b", heads)] == []

"""How the documentation is built:

    pip install -e ".[docs]" && python -m sphinx -W --keep-going docs build/docs

The pages of `docs/api`, one for each public namespace, are written when a build begins.
"""

from __future__ import annotations

import inspect
import os
import re
from importlib import import_module
from pathlib import Path

# Examples in docstrings and default values are those of the embedded engine.
os.environ["KERAS_BACKEND"] = "numpy"

import kerasish

project = "kerasish"
author = "the kerasish contributors"
release = version = kerasish.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "furo"
exclude_patterns = ["conf.py", "generate_operations.py"]
myst_heading_anchors = 3
# Docstrings are Markdown in spirit: a name in single backticks is code.
default_role = "code"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False

MODULES = {name for name in dir(kerasish) if inspect.ismodule(getattr(kerasish, name))}
DATASETS = {f"datasets.{name}" for name in kerasish.datasets.__all__}
APPLICATIONS = {
    f"applications.{name}"
    for name in kerasish.applications.__all__
    if inspect.ismodule(getattr(kerasish.applications, name))
}
NAMESPACES = sorted(MODULES - {"datasets"} | DATASETS | APPLICATIONS | {"utils.bounding_boxes"})


def setup(app) -> None:
    app.connect("builder-inited", lambda app: write_api_pages(Path(app.srcdir) / "api"))
    # Before Sphinx's own, which reads the sections.
    app.connect("autodoc-process-docstring", escape_markup, priority=400)


def escape_markup(app, what, name, thing, options, lines: list[str]) -> None:
    """In our docstrings, stars, bars and final underscores are part of formulas and names."""
    example = False
    for i, line in enumerate(lines):
        example = line.strip() != "" and (example or line.lstrip().startswith(">>>"))
        if not example:
            lines[i] = re.sub(r"(`[^`]+`)(\w)?|([*|]|_(?!\w))", escaped, line)


def escaped(found: re.Match[str]) -> str:
    code, letter, mark = found.groups()
    if mark:
        return "\\" + mark
    return f"{code}\\ {letter}" if letter else code  # markup must end at a boundary


def write_api_pages(directory: Path) -> None:
    """A page for each public namespace, and one that lists them."""
    directory.mkdir(exist_ok=True)
    documented: set[object] = set()
    for namespace in NAMESPACES:
        page = api_page(f"kerasish.{namespace}", documented)
        (directory / f"{namespace}.rst").write_text(page)
    listed = "\n".join(f"   {namespace}" for namespace in NAMESPACES)
    title = "Reference\n=========\n\n.. toctree::\n   :maxdepth: 1\n\n"
    (directory / "index.rst").write_text(f"{title}{listed}\n")


def api_page(namespace: str, documented: set[object]) -> str:
    """The functions and classes of a namespace, by name, but for those that are documented."""
    module = import_module(namespace)
    blocks = [namespace, "=" * len(namespace), "", f".. currentmodule:: {namespace}", ""]
    for name in public_names(module):
        thing = getattr(module, name)
        if thing in documented:
            continue
        documented.add(thing)
        kind = "class" if inspect.isclass(thing) else "function"
        blocks += [f".. auto{kind}:: {namespace}.{name}"]
        blocks += ["   :members:", ""] if kind == "class" else [""]
    return "\n".join(blocks)


def public_names(module) -> list[str]:
    """The functions and classes that are the module's own, or that it says are public."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith(module.__name__)
    ]
    callables = {name: getattr(module, name) for name in names}
    return sorted(n for n, v in callables.items() if inspect.isclass(v) or inspect.isfunction(v))

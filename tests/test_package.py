"""The package as a whole: what importing it costs, who knows whom, and what the documents say."""

import ast
import doctest
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kerasish
from kerasish import cli, config
from kerasish.compat.run import keras_is_kerasish
from kerasish.engines import registry
from kerasish.graph.tensor import Placeholder

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "kerasish"
FILES = {path.relative_to(ROOT).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}

# What only kerasish/engines may import, or so much as name.
ENGINE_LIBRARIES = {"tensorflow", "theano", "cntk", "jax", "torch", "keras"}
ENGINE_NAMES = {"tensorflow", "theano", "cntk", "jax", "torch"}


def run_python(*arguments, **variables):
    """A Python process's result. It has the settings of this one, and `variables`."""
    env = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


# --- importing ---------------------------------------------------------------------------


def test_import_is_quick_loads_no_engine_and_announces_the_backend():
    code = (
        "import json, sys, time; before = time.process_time(); import kerasish;"
        "print(json.dumps([time.process_time() - before, list(sys.modules)]))"
    )
    runs = [run_python("-c", code, KERAS_BACKEND="numpy") for _ in range(3)]
    assert [run.stderr for run in runs] == ["Using NumPy backend.\n"] * 3
    seconds, modules = zip(*(json.loads(run.stdout) for run in runs), strict=True)
    assert not ENGINE_LIBRARIES & set(modules[0])
    assert not [name for name in modules[0] if re.match(r"kerasish\.engines\.(?!registry)", name)]
    assert min(seconds) < 0.3  # of computing: a busy machine is not this package's doing


def test_public_names():
    for name in dir(kerasish):
        assert getattr(kerasish, name) is not None
    for name in dir(kerasish.utils):
        assert getattr(kerasish.utils, name) is not None
    for module in (kerasish.backend, kerasish.random, kerasish.saving):
        assert not [name for name in module.__all__ if not hasattr(module, name)]
    assert kerasish.Sequential is kerasish.models.Sequential
    assert f'version = "{kerasish.__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_public_names_are_what_type_checkers_see():
    """The names under TYPE_CHECKING are those that __getattr__ finds."""
    for module in (kerasish, kerasish.utils):
        tree = ast.parse(Path(module.__file__).read_text())
        guarded = [n for n in tree.body if isinstance(n, ast.If)]
        aliases = {a.asname for n in guarded for i in n.body for a in i.names}
        assert aliases == set(dir(module)) - {"__version__", "config"}


def test_unknown_public_name():
    with pytest.raises(AttributeError, match=r"'Sequental'\. Did you mean 'Sequential'"):
        kerasish.Sequental  # noqa: B018
    with pytest.raises(AttributeError, match="to_categoric"):
        kerasish.utils.to_categoric  # noqa: B018


# --- who knows whom ----------------------------------------------------------------------

# Each line knows itself and those above it. (Below the line of modules, functions may import more.)
LEVELS = [
    "home tree",
    "config engines graph",
    "ops",
    "scopes",
    "utils saving.serialization saving.custom_objects saving.registry saving.hooks saving.atomic"
    " datasets compat",
    "activations initializers regularizers constraints quantizers dtype_policies",
    "losses metrics optimizers callbacks mixed_precision",
    "layers",
    "training saving",
    "models",
    "applications backend random cli compat.older_activations compat.older_caches"
    " compat.older_calls compat.older_initializations compat.older_layers"
    " compat.older_models compat.older_nodes compat.older_recurrent compat.older_weights"
    " compat.older_regularizers compat.older_wrappers distillation distribution export"
    " visualization wrappers",
]
LEVEL = {name: i for i, line in enumerate(LEVELS) for name in line.split()}


def part_of(name):
    """The part of the package that a module or a public name belongs to."""
    parts = name.split(".")[1:]
    known = ".".join(parts[:2])
    return known if known in LEVEL else parts[0]


def imports(path, everywhere=False):
    """The full names that a file imports: at module level, or anywhere in it."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_dependencies_point_one_way():
    wrong, unplaced = [], []
    for name, path in FILES.items():
        part = part_of(name.removesuffix(".py").replace("/", "."))
        if part.startswith("__"):
            continue
        for imported in imports(path):
            target = part_of(imported) if imported.startswith("kerasish.") else part
            unplaced += [p for p in (part, target) if p not in LEVEL]
            if LEVEL.get(target, 0) > LEVEL.get(part, 0):
                wrong.append(f"{name} imports {imported}")
    assert not wrong
    assert not unplaced, "say in LEVELS where these stand"


def test_the_graph_looks_up_to_operations_in_one_place():
    """Operators of tensors are operations; all else in graph/ that needs one asks there."""
    above = [
        name
        for name, path in FILES.items()
        if name.startswith("kerasish/graph/")
        for imported in imports(path, everywhere=True)
        if imported.startswith("kerasish.") and LEVEL[part_of(imported)] > LEVEL["graph"]
    ]
    assert above == ["kerasish/graph/operators.py"]


OUTSIDE = {name: path for name, path in FILES.items() if not name.startswith("kerasish/engines/")}


def test_only_engines_import_engines():
    wrong = [
        f"{name} imports {imported}"
        for name, path in OUTSIDE.items()
        for imported in imports(path, everywhere=True)
        if imported.split(".")[0] in ENGINE_LIBRARIES
    ]
    assert not wrong


# Files of other Kerases name the modules of classes ("tensorflow.keras.optimizers"), and what they
# were made on.
NAMED_IN_FILES = ("layouts", "legacy", "origins", "registry")
MAY_NAME_ENGINES = {f"kerasish/saving/{name}.py" for name in NAMED_IN_FILES}


def test_only_engines_name_engines():
    """No code outside of engines/ can ask which engine it is, as it has no engine's name.

    Names in sentences, such as docstrings and messages, are longer strings.
    """
    wrong = [
        f"{name}:{node.lineno}: {node.value!r}"
        for name, path in OUTSIDE.items()
        if name not in MAY_NAME_ENGINES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and str(node.value).lower() in ENGINE_NAMES
    ]
    assert not wrong


# --- the documents -----------------------------------------------------------------------


# What examples use without importing it.
KNOWN = {"np": np, "Placeholder": Placeholder, "Variable": kerasish.Variable}


@pytest.mark.parametrize("name", [name for name, p in FILES.items() if ">>>" in p.read_text()])
def test_examples_in_docstrings(name):
    dotted = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    try:
        module = importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        if error.name not in ENGINE_LIBRARIES | {"sklearn"}:
            raise
        pytest.skip(f"needs {error.name}")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    report = []
    tests = doctest.DocTestFinder(exclude_empty=True).find(module)
    assert any(test.examples for test in tests), "the examples are where doctest does not look"
    with config.backend_scope("numpy"):
        for test in tests:
            test.globs = KNOWN | test.globs
            runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


def code_blocks(path, language="python"):
    """The fenced blocks of a language in a Markdown file."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


def test_program_in_the_readme(monkeypatch, capsys):
    from kerasish.datasets import mnist, synthetic_digits

    few = synthetic_digits.load_data(train=640, test=100)
    monkeypatch.setattr(mnist, "load_data", lambda: few)
    program = next(code for code in code_blocks(ROOT / "README.md") if "mnist.load_data" in code)
    few_of_them = program.replace("60000", "640").replace("10000", "100")
    assert few_of_them.count("640") == few_of_them.count("100, ") == 1
    exec(few_of_them, {})
    assert float(capsys.readouterr().out.rpartition("test_acc: ")[2]) > 0.5


def test_other_code_in_the_readme_is_valid():
    for code in code_blocks(ROOT / "README.md"):
        ast.parse(code)


def without_code(page):
    """A Markdown page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)


def test_files_that_documents_link_to_exist():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", without_code(page.read_text()))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_toy_engine_of_the_documents(tmp_path, monkeypatch, capsys):
    engine, use = code_blocks(ROOT / "docs/engines/add-an-engine.md")
    (tmp_path / "toy_engine.py").write_text(engine)
    about = tmp_path / "toy_engine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-engine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[kerasish.engines]\ntoy = toy_engine\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        names = {}
        exec(use, names)
        slope, offset = capsys.readouterr().out.splitlines()[0].split()
        assert float(slope) == pytest.approx(3, abs=1e-3)
        assert float(offset) == pytest.approx(1, abs=1e-3)
        with pytest.raises(NotImplementedError, match=r"lacks 1 operation.*\n.*tanh: not lowered"):
            kerasish.ops.tanh(names["slope"]).numpy()
    finally:
        registry._loaded.pop("toy", None)
        sys.modules.pop("toy_engine", None)


def test_table_of_operations_is_up_to_date():
    path = ROOT / "docs" / "generate_operations.py"
    spec = importlib.util.spec_from_file_location("generate_operations", path)
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = generate.PAGE.read_text()
    assert generate.render(page) == page, f"run python {path.relative_to(ROOT)}"


# --- the command -------------------------------------------------------------------------


def test_backends_lists_all_engines_even_if_one_is_broken(monkeypatch, capsys):
    def broken():
        raise OSError("no such library")

    monkeypatch.setattr(registry, "_loaded", {})
    monkeypatch.setattr(importlib.import_module("kerasish.engines.numpy"), "create", broken)
    monkeypatch.setattr(registry, "names", lambda: ["numpy", "cntk"])
    monkeypatch.setenv("KERAS_HOME", "/nonexistent")
    assert cli.main(["backends"]) == 0
    out = capsys.readouterr().out
    assert "NumPy is installed, but does not load: no such library" in out
    assert "kerasish setup cntk" in out


def test_backends_says_what_an_engine_can_do(monkeypatch, capsys):
    monkeypatch.setattr(registry, "names", lambda: ["numpy"])
    config.set_backend("numpy")
    cli.main(["backends"])
    row = capsys.readouterr().out.splitlines()[1]
    count = len(cli.operations()[0])
    able = count - 1  # it calls no functions of an engine's own
    assert re.fullmatch(
        rf"\*\s+numpy\s+{re.escape(np.__version__)}\s+{able} of {count} .*cpu.*", row
    )


def test_setup_passes_its_arguments_on_and_reports_failure(monkeypatch, capsys):
    from kerasish.engines.host import setup

    def failing(name, python, progress):
        progress("working")
        raise setup.SetupError(f"{name} on {python} failed")

    monkeypatch.setattr(setup, "setup", failing)
    assert cli.main(["setup", "cntk", "--python", "/old/python"]) == 1
    result = capsys.readouterr()
    assert result.out == "working\n"
    assert "cntk on /old/python failed" in result.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required: COMMAND"),
        (["setup", "numpy"], "invalid choice: 'numpy'"),
        (["backends", "--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_command_line_errors(arguments, complaint, capsys):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert complaint in capsys.readouterr().err


def test_run_a_keras_program(tmp_path):
    (tmp_path / "beside.py").write_text("import keras\nname = keras.__name__\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "import keras, keras.utils, beside\n"
        "assert keras.datasets.mnist.load_data\n"  # which nothing has imported by its name
        "from keras import backend as K\n"
        "from keras.datasets import mnist\n"
        "import kerasish.datasets.mnist\n"
        "assert __name__ == '__main__' and mnist is kerasish.datasets.mnist\n"
        "assert keras.__version__.startswith('3.')\n"
        "assert keras.version() == keras.__version__\n"
        "print(beside.name, sys.argv[1:], K.eval(K.sum(K.constant([1.0, 2.0]))))\n"
        "sys.exit(3)\n"
    )
    done = run_python("-m", "kerasish", "run", str(program), "--epochs", "2")
    assert (done.returncode, done.stdout) == (3, "kerasish ['--epochs', '2'] 3.0\n"), done.stderr


def test_run_without_a_program(capsys):
    assert cli.main(["run", "nowhere.py"]) == 2
    assert "there is no program nowhere.py" in capsys.readouterr().err


def test_keras_is_kerasish_only_within():
    before = {name: sys.modules[name] for name in sys.modules if name.split(".")[0] == "keras"}
    with keras_is_kerasish():
        assert importlib.import_module("keras.utils") is kerasish.utils
        with pytest.raises(ModuleNotFoundError, match=r"kerasish has no module 'keras\.nothing'"):
            importlib.import_module("keras.nothing")
    after = {name: sys.modules[name] for name in sys.modules if name.split(".")[0] == "keras"}
    assert after == before
    assert kerasish.__spec__.name == "kerasish"

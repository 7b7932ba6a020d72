"""Lies within sound structures: zips, HDF5 files and configs that contradict themselves."""

import io
import json
import tarfile
import warnings
import zipfile
from contextlib import suppress

import numpy as np

# --- zip ---------------------------------------------------------------------------------

# Where the fields of each kind of record are: (offset, bytes).
RECORDS = {
    b"PK\x03\x04": [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    b"PK\x01\x02": [(4, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2)]
    + [(34, 2), (38, 4), (42, 4)],
    b"PK\x05\x06": [(4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
}
NUMBERS = (0, 1, 7, 8, 9, 14, 99, 255, 1 << 15, (1 << 16) - 1, 1 << 31, (1 << 32) - 1)


def lying_zip(content, rng):
    """A zip some of whose records say something else than they did."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4])):
        signature = rng.choice(list(RECORDS))
        places = [i for i in range(len(content)) if content[i : i + 4] == signature]
        offset, size = rng.choice(RECORDS[signature])
        if places:
            at = rng.choice(places) + offset
            value = rng.choice([*NUMBERS, rng.randrange(1 << 16), len(content)])
            content[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(content)


NAMES = ("../evil", "/evil", "a/../../evil", "config.json", "model.weights.h5", "metadata.json")
NAMES += (
    "assets/../../evil",
    "assets/layers/dense/x",
    "C:\\evil",
    "a\0b",
    "é" * 300,
    "config.json/",
)


def crowded_zip(content, rng):
    """A zip with more members: under the same names, elsewhere, links, bombs."""
    target = io.BytesIO(content)
    method = rng.choice([0, 8])
    with warnings.catch_warnings(), zipfile.ZipFile(target, "a", method) as archive:
        warnings.simplefilter("ignore")  # of the names that are there already
        for _ in range(rng.choice([1, 2, 5])):
            info = zipfile.ZipInfo(rng.choice(NAMES))
            info.external_attr = rng.choice([0, 0o120777, 0o040755, 0o020666]) << 16
            info.compress_type = archive.compression
            text = [b"", b"/etc/passwd", b"{}", b"[" * 5000, bytes(1 << 22), b'{"a":' * 3000]
            archive.writestr(info, rng.choice(text))
    return target.getvalue()


# --- tar ---------------------------------------------------------------------------------

KINDS = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE)
KINDS += (tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME)
KINDS += (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK, tarfile.CONTTYPE, b"\xff")
PLACES = ("a", "a/b", "a/b/c", "b", "../evil", "/evil", ".", "..", "a/..", "", "a/../../evil")


def odd_tar(content, rng):
    """Members of all kinds, of which later ones get in the way of earlier ones."""
    target = io.BytesIO()
    form = rng.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    with tarfile.open(fileobj=target, mode=rng.choice(["w", "w:gz"]), format=form) as archive:
        for _ in range(rng.choice([1, 3, 6, 10])):
            info = tarfile.TarInfo(rng.choice(PLACES))
            info.type, info.linkname = rng.choice(KINDS), rng.choice(PLACES)
            body = rng.choice([b"", b"x" * 10, b"30 path=../evil\n", b"22 size=99999999999999\n"])
            info.size, info.mode = len(body), rng.choice([0, 0o644, 0o777, 0o4777])
            archive.addfile(info, io.BytesIO(body))
    return target.getvalue()


# --- HDF5 --------------------------------------------------------------------------------


def odd_datasets(h5py):
    """name -> function (group, name, array) that puts something else in the place of an array."""

    def virtual(group, name, array):
        layout = h5py.VirtualLayout(array.shape or (1,), "f4")
        layout[...] = h5py.VirtualSource("/etc/passwd", "data", array.shape or (1,))
        group.create_virtual_dataset(name, layout)

    def declared(group, name, array):
        group.create_dataset(name, (1 << 30, 1 << 30), "f4", chunks=(1, 1 << 10))

    def packed(group, name, array):
        shape = (1 << 11, 1 << 11)
        group.create_dataset(name, data=np.zeros(shape, "f4"), compression="gzip", shuffle=True)

    kept = {
        key: lambda group, name, array, options=options: group.create_dataset(
            name, data=array, **options
        )
        for key, options in {
            "lzf": {"compression": "lzf", "chunks": True},
            "fletcher": {"fletcher32": True, "chunks": True},
            "gzip": {"compression": "gzip", "chunks": True},
            "grown": {"maxshape": None, "chunks": None},
        }.items()
    }
    other = {
        kind: lambda group, name, array, kind=kind: group.create_dataset(
            name, data=array.astype(kind)
        )
        for kind in ("f8", "f2", ">f4", "i1", "u8", "?", "c8", "S7")
    }
    return (
        kept
        | other
        | {
            "virtual": virtual,
            "declared": declared,
            "packed": packed,
            "external": lambda g, n, a: g.create_dataset(n, a.shape, "f4", external="/etc/passwd"),
            "text": lambda g, n, a: g.create_dataset(n, data="text"),
            "texts": lambda g, n, a: g.create_dataset(n, data=["a", "bc"]),
            "reference": lambda g, n, a: g.create_dataset(n, data=g.ref, dtype=h5py.ref_dtype),
            "ragged": lambda g, n, a: g.create_dataset(n, (3,), h5py.vlen_dtype("f4")),
            "compound": lambda g, n, a: g.create_dataset(n, (3,), [("a", "f4"), ("b", "i8")]),
            "nothing": lambda g, n, a: g.create_dataset(n, data=h5py.Empty("f4")),
            "no axis": lambda g, n, a: g.create_dataset(n, data=a.ravel()),
            "more axes": lambda g, n, a: g.create_dataset(n, data=a.reshape((1,) * 20 + a.shape)),
            "soft": lambda g, n, a: g.__setitem__(n, h5py.SoftLink("/nowhere")),
            "other file": lambda g, n, a: g.__setitem__(n, h5py.ExternalLink("/etc/passwd", "/x")),
            "circle": lambda g, n, a: g.__setitem__(n, g),
            "top": lambda g, n, a: g.__setitem__(n, g["/"]),
            "a type": lambda g, n, a: g.__setitem__(n, np.dtype("f4")),
            "a group": lambda g, n, a: g.create_group(n),
            "gone": lambda g, n, a: None,
        }
    )


def odd_attributes(h5py):
    """Values for attributes."""
    return [
        b"", "x", b"\xff\xfe", "a\0b", 5, 1.5, [b"one", b"two"], [b"\xff"], ["ü", "x" * 9],
        [[b"a"]],
        np.zeros((0,), "S1"), np.zeros(3), h5py.Empty("S3"), b"{}", b"[]", b"null", b"3", b"1.2.2",
        b"99", b"theano", b'{"class_name": "Sequential"}', np.array([b"../x", b"/", b"."]),
    ]  # fmt: skip


def odd_h5(content, rng):
    """An HDF5 file some of whose arrays, groups and attributes are other things."""
    import h5py

    file = io.BytesIO(content)
    makers = odd_datasets(h5py)
    with h5py.File(file, "r+") as opened:
        items = []
        opened.visititems(lambda name, item: items.append(name))
        for _ in range(rng.choice([1, 1, 2, 4])):
            path = rng.choice(["/", *items])
            try:
                item = opened[path]
            except KeyError:
                continue  # an earlier change took it away, or made it a link to nowhere
            if item.attrs and rng.random() < 0.4:
                name, value = rng.choice(list(item.attrs)), rng.choice(odd_attributes(h5py))
                try:
                    item.attrs[name] = value
                except (TypeError, ValueError, OSError):
                    item.attrs[name] = "not to be written"
            elif path != "/":
                # An earlier change may have declared an absurd size.
                small = isinstance(item, h5py.Dataset) and (item.size or 0) < 1 << 20
                array = item[()] if small else None
                if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
                    array = np.zeros(2, "f4")
                group, name = item.parent, path.rpartition("/")[2]
                del group[name]
                with suppress(TypeError, ValueError, OSError):  # if it does not go with the array
                    makers[rng.choice(list(makers))](group, name, array)
    return file.getvalue()


# --- configs -----------------------------------------------------------------------------

EVIL = ["os", "builtins", "subprocess", "kerasish.utils.files", "keras.utils", "keras.src.utils"]
EVIL += ["keras.layers", "keras", "tensorflow.keras.layers", "kerasish.saving.h5", "numpy", ""]
CALLED = ["system", "eval", "exec", "Popen", "get_file", "load_model", "fromfile", "__import__"]
CALLED += ["Lambda", "TFSMLayer", "TextVectorization", "Layer", "Model", "Functional", "function"]
CALLED += ["__lambda__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__", "__bytes__"]
CALLED += ["__keras_tensor__", "__typespec__", "__class__", "DTypePolicyMap", "StringLookup"]
KEYS = ["vocabulary", "dtype", "activation", "kernel_initializer", "name", "function", "units"]
KEYS += ["filepath", "layers", "input_layers", "loss", "metrics", "batch_shape", "axis", "shape"]
KEYS += ["trainable", "weights", "seed", "value", "config", "num_classes", "num_thresholds"]


def odd_value(rng, depth=0):
    """Plain data of any kind, among it what names code, files and absurd sizes."""
    if depth < 3 and rng.random() < 0.4:
        kind = rng.randrange(4)
        if kind == 0:
            return [odd_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        if kind == 1:
            return {rng.choice(KEYS): odd_value(rng, depth + 1) for _ in range(rng.randrange(4))}
        config = {rng.choice(KEYS): odd_value(rng, depth + 1) for _ in range(rng.randrange(3))}
        return {
            "module": rng.choice([None, *EVIL]),
            "class_name": rng.choice(CALLED),
            "config": rng.choice([config, rng.choice(CALLED), None]),
            "registered_name": rng.choice([None, rng.choice(CALLED), "os>system"]),
        }
    numbers = [0, -1, 1, 3, 10**6, 10**12, 10**30, -(10**30), 0.5, 1e308, float("nan")]
    texts = ["", "relu", "../x", "/etc/passwd", "http://127.0.0.1:9/x", "mixed_float16", "\ud800"]
    texts += ["float8", "object", "S4", "x" * 10_000, "a\0b", "eval", "keras.utils.get_file"]
    return rng.choice([*numbers, *texts, None, True, False, float("inf")])


def odd_config(config, rng):
    """A config with odd values in a few places, some very deep."""
    config, places = json.loads(json.dumps(config)), []

    def walk(value):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            places.append((value, key))
            if isinstance(item, (dict, list)):
                walk(item)

    walk(config)
    for _ in range(rng.choice([1, 1, 2, 5])):
        holder, key = rng.choice(places)
        value = odd_value(rng)
        if rng.random() < 0.03:
            for _ in range(rng.choice([50, 500, 5000])):
                value = [value] if rng.random() < 0.5 else {"config": value}
        if isinstance(holder, dict):
            holder[rng.choice([key, key, rng.choice(KEYS)])] = value
        elif key < len(holder):
            holder[key] = value
    return config


def as_text(config):
    """JSON; of what is nested too deeply for that, another thing nested deeply."""
    try:
        return json.dumps(config)
    except RecursionError:
        return '{"config": ' * 5000 + "1" + "}" * 5000


YAML = ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "&a [*a, *a]"]
YAML += [
    "!!python/object/new:os.system [x]",
    "!!timestamp 2000-01-01",
    "!!binary aGk=",
    "*b",
    "? x",
]


def odd_yaml(content, rng):
    """YAML with a tag or an anchor in the place of a line's value."""
    lines = content.decode().split("\n")
    for _ in range(rng.choice([1, 2])):
        at = rng.randrange(len(lines))
        lines[at] = lines[at].partition(":")[0] + ": " + rng.choice(YAML)
    return "\n".join(lines).encode()


# --- arrays ------------------------------------------------------------------------------

HEADERS = ["{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"]
HEADERS += ["{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"]
HEADERS += ["{'descr': '<f8', 'fortran_order': True, 'shape': (-1, 3), }", "__import__('os')", "{"]
HEADERS += ["{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (3,), }", "[" * 3000]
HEADERS += ["{'descr': '|S1000000000', 'fortran_order': False, 'shape': (9,), }", "('x',)"]


def odd_npy(rng):
    """A `.npy` file with an odd header, and a pickle behind it."""
    header = (rng.choice(HEADERS) + "\n").encode()
    version = rng.choice([b"\1\0", b"\2\0", b"\3\0", b"\x09\0"])
    size = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + size + header + b"cos\nsystem\n(S'true'\ntR."

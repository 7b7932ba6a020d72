"""Programs of Keras 1 and 2, run unchanged by `kerasish run`."""

import pytest
from cases.unusual_programs import PROGRAMS

from kerasish import backend
from kerasish.compat.run import run_script
from kerasish.utils import set_random_seed


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAMS[name])
    set_random_seed(1)
    try:
        run_script(str(path))
    finally:
        backend.clear_session()


def test_programs_fail_where_they_are_wrong(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("from keras.layers.core import Dens")
    with pytest.raises(ImportError, match="Dens"):
        run_script(str(path))

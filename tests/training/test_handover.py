"""Batches from worker processes through memory that both see."""

import os
import signal
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from kerasish.training import handover
from kerasish.training.prefetch import Loading, Workers

WIDE = 300_000  # floats, more than a pipe is used for
PROCESSES = Loading(workers=2, use_multiprocessing=True)

# Python 3.12 and later warn when a program with threads forks, as `multiprocessing` does there.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="there is the pipe alone"),
]


class Wide:
    """Batches of an array, the same turned around, one number, and a text."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        if index == 50:
            raise OSError("the disk is gone")
        if index == 60:
            os.kill(os.getpid(), signal.SIGKILL)
        array = np.arange(WIDE, dtype="float32") + index
        return {"x": array, "odd": np.arange(3, dtype="int8"), "y": [array[::-1], index]}, "text"


def memories():
    """How much memory for batches this process holds: open files, and what is mapped."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    mapped = Path("/proc/self/maps").read_text().splitlines()
    return sum("memfd:kerasish" in name for name in [*map(os.readlink, links), *mapped])


def test_large_batches_arrive_as_they_are(monkeypatch):
    results = []
    batch = handover.Place.batch
    monkeypatch.setattr(
        handover.Place, "batch", lambda self, got: results.append(got) or batch(self, got)
    )
    workers = Workers(Wide(), PROCESSES)
    try:
        for index, (found, text) in enumerate(workers.batches(iter(range(12)), seed=0)):
            expected = Wide()[index][0]
            np.testing.assert_array_equal(found["x"], expected["x"])
            np.testing.assert_array_equal(found["odd"], expected["odd"])
            np.testing.assert_array_equal(found["y"][0], expected["y"][0])
            assert (found["y"][1], text) == (index, "text")
            found["x"] += 1  # its reader may write to it, as to any array
    finally:
        workers.close()
    assert len(results) == 12
    assert all(isinstance(result, handover.Handed) for result in results)
    del found
    assert memories() == 0


@pytest.mark.parametrize(
    ("order", "error"),
    [([0, 1, 50, 2, 3], OSError), ([0, 60, 1, 2, 3, 4], BrokenProcessPool), (range(9), None)],
    ids=["error", "killed", "left early"],
)
def test_no_memory_is_left(order, error):
    workers = Workers(Wide(), PROCESSES)
    batches = workers.batches(iter(order), seed=0)
    if error is None:
        next(batches)
        batches.close()
    else:
        with pytest.raises(error):
            list(batches)
    workers.close()
    assert memories() == 0


def test_only_its_own_memory_is_written_to(tmp_path):
    other = tmp_path / "other"
    other.write_text("a user's file")
    with other.open("r+") as file:
        place = handover.Place()
        address, batch = place.address, np.zeros(WIDE)
        assert isinstance(handover.handed(batch, address), handover.Handed)
        place.close()
        assert handover.handed(batch, address) is batch  # nothing is open there
        number = int(address.path.rpartition("/")[2])
        os.dup2(file.fileno(), number)
        assert handover.handed(batch, address) is batch
        os.close(number)
    assert other.read_text() == "a user's file"


def test_small_batches_take_the_pipe():
    place = handover.Place()
    batch = np.zeros(8)
    assert handover.handed(batch, place.address) is batch
    assert place.batch(batch) is batch
    place.close()

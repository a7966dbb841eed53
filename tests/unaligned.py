"""Arrays in memory that begins between two numbers, as fields of packed records do."""

import numpy as np


def unaligned(values):
    memory = np.zeros(values.nbytes + 1, dtype=np.uint8)
    view = memory[1:].view(values.dtype).reshape(values.shape)
    view[...] = values
    assert not view.flags.aligned
    return view

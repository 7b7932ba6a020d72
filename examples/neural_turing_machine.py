"""A Neural Turing Machine learns to copy, and goes on to copy sequences longer than it ever saw.

A network with a memory outside of it: heads move over the memory's slots, by content ("where is
something like this?") and by location ("the next one"), and write and read there. Here it is a cell
of an RNN, written in ops: any engine runs it.

Source: Graves et al., 2014, arXiv:1410.5401

    python examples/neural_turing_machine.py
"""

import numpy as np

import kerasish as keras
from kerasish import layers, ops

BITS = 4
# The longest sequences it learns from, and for how many epochs: who begins with long ones may
# stay stuck, and who sees short ones only may find ways that do for these alone.
LESSONS = ((3, 4), (6, 6), (10, 10))
LONGEST = LESSONS[-1][0]
LONGER = 14


class NTMCell(layers.Layer):
    """One time step: the controller says what the heads do, and what comes out.

    Args:
        units: the size of the controller.
        slots: how many places the memory has.
        width: the size of each.
        outputs: the size of the output.
    """

    def __init__(self, units, slots, width, outputs, **kwargs):
        super().__init__(**kwargs)
        self.units, self.slots, self.width, self.outputs = units, slots, width, outputs
        # The memory, where the heads stand, and what was read last.
        self.state_size = [(slots, width), slots, slots, width]
        self.output_size = outputs
        self.controller = layers.Dense(units, activation="tanh", name="controller")
        self.head_of = {"write": self.dense("write"), "read": self.dense("read")}
        self.erase = layers.Dense(width, activation="sigmoid", name="erase")
        self.add = layers.Dense(width, activation="tanh", name="add")
        self.out = layers.Dense(outputs, activation="sigmoid", name="out")

    def dense(self, name):
        """What a head is told: a key, its strength, a gate, three shifts, a sharpness."""
        return layers.Dense(self.width + 6, name=name)

    def build(self, input_shape):
        batch, features = input_shape
        self.controller.build((batch, features + self.width))
        for layer in (*self.head_of.values(), self.erase, self.add):
            layer.build((batch, self.units))
        self.out.build((batch, self.units + self.width))

    def get_initial_state(self, batch_size):
        memory = ops.full((batch_size, self.slots, self.width), 0.05)
        start = ops.one_hot(ops.zeros((batch_size,), "int32"), self.slots)
        return [memory, start, start, ops.zeros((batch_size, self.width))]

    def call(self, inputs, states):
        memory, write, read, last = states
        h = self.controller(ops.concatenate([inputs, last], axis=-1))
        write = self.address(self.head_of["write"](h), write, memory)
        at = ops.expand_dims(write, -1)
        memory = memory * (1 - at * ops.expand_dims(self.erase(h), 1))
        memory = memory + at * ops.expand_dims(self.add(h), 1)
        read = self.address(self.head_of["read"](h), read, memory)
        last = ops.sum(ops.expand_dims(read, -1) * memory, axis=1)
        output = self.out(ops.concatenate([h, last], axis=-1))
        return output, [memory, write, read, last]

    def address(self, told, before, memory):
        """How much a head attends to each slot."""
        n = self.width
        key = ops.expand_dims(ops.tanh(told[:, :n]), 1)
        strength, gate = ops.softplus(told[:, n : n + 1]), ops.sigmoid(told[:, n + 1 : n + 2])
        back, stay, on = (ops.softmax(told[:, n + 2 : n + 5])[:, i : i + 1] for i in range(3))
        sharpness = 1 + ops.softplus(told[:, n + 5 :])
        # By content: slots whose direction is that of the key.
        likeness = ops.sum(direction(key) * direction(memory), axis=-1)
        where = ops.softmax(strength * likeness)
        # By location: where the head stood, one back or one on, and sharpened again.
        where = gate * where + (1 - gate) * before
        where = stay * where + on * ops.roll(where, 1, axis=1) + back * ops.roll(where, -1, axis=1)
        sharp = ops.exp(sharpness * ops.log(where + 1e-6))
        return sharp / ops.sum(sharp, axis=-1, keepdims=True)


def direction(x):
    """Vectors of length 1; one of 0 stays 0."""
    return x * ops.rsqrt(ops.sum(x * x, axis=-1, keepdims=True) + 1e-4)


def copy_task(count, shortest, longest, seed, room=None):
    """Random bits, a sign, and silence, in which the bits must come out again.

    Args:
        count: of sequences.
        shortest: their least length.
        longest: their largest.
        seed: an int, for the same bits each time.
        room: the length to leave time for; `longest` if None.

    Returns:
        inputs, targets, and weights: 1 in the steps in which an answer is due.
    """
    rng = np.random.default_rng(seed)
    steps = 2 * (room or longest) + 1
    x = np.zeros((count, steps, BITS + 1), "float32")
    y = np.zeros((count, steps, BITS), "float32")
    weights = np.zeros((count, steps), "float32")
    for i, length in enumerate(rng.integers(shortest, longest + 1, count)):
        bits = rng.integers(0, 2, (length, BITS))
        x[i, :length, :BITS] = bits
        x[i, length, BITS] = 1  # the sign
        y[i, length + 1 : 2 * length + 1] = bits
        weights[i, length + 1 : 2 * length + 1] = 1
    return x, y, weights


def share_right(model, length):
    """The share of bits of sequences of a length that come out right."""
    x, y, weights = copy_task(200, length, length, seed=length)
    right = (model.predict(x, verbose=0) > 0.5) == (y > 0.5)
    return float((right * weights[..., None]).sum() / (weights.sum() * BITS))


def main(samples=6400, seed=3):
    """Trains the machine; returns its shares of right bits on known and on longer lengths."""
    keras.utils.set_random_seed(seed)
    cell = NTMCell(units=48, slots=20, width=8, outputs=BITS)
    inputs = keras.Input((None, BITS + 1))
    model = keras.Model(inputs, layers.RNN(cell, return_sequences=True)(inputs))
    # Ever smaller steps: large ones throw it out of what it has found.
    epochs = sum(count for _, count in LESSONS)
    rate = keras.optimizers.schedules.CosineDecay(0.003, epochs * samples // 32)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "binary_crossentropy")
    for longest, count in LESSONS:
        # With room for the longest in all lessons, the step is compiled once.
        x, y, weights = copy_task(samples, 1, longest, seed=longest, room=LONGEST)
        model.fit(x, y, sample_weight=weights, batch_size=32, epochs=count, verbose=2)
    known, longer = share_right(model, LONGEST), share_right(model, LONGER)
    print(f"Bits copied right: {known:.1%} at length {LONGEST}, {longer:.1%} at length {LONGER}.")
    return known, longer


if __name__ == "__main__":
    main()

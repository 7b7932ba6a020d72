"""The models that the benchmarks train. Written once: kerasish and Keras have the same API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Workload:
    """One model and its data.

    Attributes:
        title: for the table.
        batch: samples per step.
        steps: per epoch.
        epochs: of one timed block.
        build: a library in, a compiled model out.
        data: NumPy's random generator and the number of samples in, (x, y) out.
    """

    title: str
    batch: int
    steps: int
    epochs: int
    build: Callable[[ModuleType], Any]
    data: Callable[[Any, int], tuple[Any, Any]]


def _mlp(keras: ModuleType) -> Any:
    model = keras.models.Sequential(
        [
            keras.layers.Input(shape=(784,)),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def _small_mlp(keras: ModuleType) -> Any:
    model = keras.models.Sequential(
        [
            keras.layers.Input(shape=(20,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def _cnn(keras: ModuleType) -> Any:
    model = keras.models.Sequential(
        [
            keras.layers.Input(shape=(28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Dropout(0.25),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def _lstm(keras: ModuleType) -> Any:
    model = keras.models.Sequential(
        [
            keras.layers.Input(shape=(80,), dtype="int32"),
            keras.layers.Embedding(20000, 128),
            keras.layers.LSTM(128),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def _transformer(keras: ModuleType) -> Any:
    layers = keras.layers
    x = layers.Input(shape=(128, 128))
    attended = layers.MultiHeadAttention(num_heads=4, key_dim=32)(x, x)
    h = layers.LayerNormalization()(layers.Add()([x, attended]))
    wide = layers.Dense(128)(layers.Dense(256, activation="relu")(h))
    h = layers.LayerNormalization()(layers.Add()([h, wide]))
    y = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling1D()(h))
    model = keras.models.Model(x, y)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def _one_hot(rng: Any, count: int) -> Any:
    return rng.multinomial(1, [0.1] * 10, count).astype("float32")


def _vectors(rng: Any, count: int) -> tuple[Any, Any]:
    return rng.random((count, 784), dtype="float32"), _one_hot(rng, count)


def _numbers(rng: Any, count: int) -> tuple[Any, Any]:
    x = rng.standard_normal((count, 20), dtype="float32")
    return x, x[:, :1] * x[:, 1:2]


def _images(rng: Any, count: int) -> tuple[Any, Any]:
    return rng.random((count, 28, 28, 1), dtype="float32"), _one_hot(rng, count)


def _texts(rng: Any, count: int) -> tuple[Any, Any]:
    return rng.integers(0, 20000, (count, 80), dtype="int32"), _labels(rng, count)


def _sequences(rng: Any, count: int) -> tuple[Any, Any]:
    return rng.standard_normal((count, 128, 128), dtype="float32"), _labels(rng, count)


def _labels(rng: Any, count: int) -> Any:
    return rng.integers(0, 2, (count, 1)).astype("float32")


WORKLOADS = {
    "W1": Workload("MLP 784-512-10, RMSprop, batch 128", 128, 128, 3, _mlp, _vectors),
    "W2": Workload("MLP 20-64-64-1, Adam, batch 32", 32, 512, 4, _small_mlp, _numbers),
    "W3": Workload("CNN conv32-conv64-dense128, Adam, batch 128", 128, 20, 1, _cnn, _images),
    "W4": Workload("Embedding-LSTM(128), T=80, Adam, batch 32", 32, 24, 1, _lstm, _texts),
    "W5": Workload("Transformer T=128 d=128 h=4, batch 32", 32, 16, 1, _transformer, _sequences),
}

"""`mnist_mlp.py` with the functional API: layers are called on tensors.

    python examples/mnist_mlp_functional.py

This style also makes models with several inputs, several outputs or shared layers.
"""

import argparse

from digits import load_data

from kerasish import layers, models
from kerasish.utils import to_categorical

parser = argparse.ArgumentParser(description="Learn handwritten digits.")
parser.add_argument("--epochs", type=int, default=5, help="passes over the training images")
parser.add_argument("--data", default="mnist.npz", help="MNIST's file, if you have it already")
args = parser.parse_args()

(train_images, train_labels), (test_images, test_labels) = load_data(args.data)
train_images = train_images.reshape((60000, 28 * 28)).astype("float32") / 255
test_images = test_images.reshape((10000, 28 * 28)).astype("float32") / 255
train_labels = to_categorical(train_labels)
test_labels = to_categorical(test_labels)

inputs = layers.Input(shape=(28 * 28,))
hidden = layers.Dense(512, activation="relu")(inputs)
outputs = layers.Dense(10, activation="softmax")(hidden)
model = models.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
model.summary()

model.fit(train_images, train_labels, epochs=args.epochs, batch_size=128)
test_loss, test_acc = model.evaluate(test_images, test_labels)
print("test_acc: ", test_acc)

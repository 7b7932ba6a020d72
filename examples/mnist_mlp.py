"""A network with one hidden layer learns to read handwritten digits.

    python examples/mnist_mlp.py
    python examples/mnist_mlp.py --epochs 1
    KERAS_BACKEND=numpy python examples/mnist_mlp.py

About 98 % of the test images are read correctly after five epochs.
"""

import argparse

from digits import load_data

from kerasish import layers, models
from kerasish.utils import to_categorical

parser = argparse.ArgumentParser(description="Learn handwritten digits.")
parser.add_argument("--epochs", type=int, default=5, help="passes over the training images")
parser.add_argument("--data", default="mnist.npz", help="MNIST's file, if you have it already")
args = parser.parse_args()

# The images are 28 x 28 numbers from 0 (paper) to 255 (ink). The network gets each one as a row
# of 784 numbers from 0 to 1, and each label as ten numbers: a 1 for the digit, 0 for the others.
(train_images, train_labels), (test_images, test_labels) = load_data(args.data)
train_images = train_images.reshape((60000, 28 * 28)).astype("float32") / 255
test_images = test_images.reshape((10000, 28 * 28)).astype("float32") / 255
train_labels = to_categorical(train_labels)
test_labels = to_categorical(test_labels)

model = models.Sequential()
model.add(layers.Dense(512, activation="relu", input_shape=(28 * 28,)))
model.add(layers.Dense(10, activation="softmax"))
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
model.summary()

model.fit(train_images, train_labels, epochs=args.epochs, batch_size=128)
test_loss, test_acc = model.evaluate(test_images, test_labels)
print("test_acc: ", test_acc)

"""A small convolutional network learns to read handwritten digits.

    python examples/mnist_cnn.py
    python examples/mnist_cnn.py --epochs 1

It looks at the images with 32, then 64 small windows that slide over them, keeps the strongest
answer of each 2 x 2 patch, and decides by two dense layers. Dropout switches off random units
while it trains, so that it cannot rely on a few of them. About 99 % after three epochs.
"""

import argparse

from digits import load_data

from kerasish import layers, models

parser = argparse.ArgumentParser(description="Learn handwritten digits.")
parser.add_argument("--epochs", type=int, default=3, help="passes over the training images")
parser.add_argument("--data", default="mnist.npz", help="MNIST's file, if you have it already")
args = parser.parse_args()

# Images of one channel: (samples, 28, 28, 1). The labels stay numbers from 0 to 9, which is what
# the "sparse" loss takes.
(train_images, train_labels), (test_images, test_labels) = load_data(args.data)
train_images = train_images.reshape((-1, 28, 28, 1)).astype("float32") / 255
test_images = test_images.reshape((-1, 28, 28, 1)).astype("float32") / 255

model = models.Sequential(
    [
        layers.Input(shape=(28, 28, 1)),
        layers.Conv2D(32, (3, 3), activation="relu"),
        layers.Conv2D(64, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()

model.fit(train_images, train_labels, epochs=args.epochs, batch_size=128)
test_loss, test_acc = model.evaluate(test_images, test_labels)
print("test_acc: ", test_acc)

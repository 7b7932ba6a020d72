"""The digits that the examples learn: MNIST, or drawn ones where it cannot be had."""

from kerasish.datasets import mnist, synthetic_digits
from kerasish.utils.files import DownloadError, HashError


def load_data(path):
    """MNIST's `(train_images, train_labels), (test_images, test_labels)`.

    path: a file that holds them, or else the name under which it is downloaded.
    """
    try:
        return mnist.load_data(path)
    except (DownloadError, HashError) as error:
        print(f"MNIST could not be loaded: {error}")
        print("Falling back to drawn digits (kerasish.datasets.synthetic_digits), which are like")
        print("handwritten ones. The accuracies below are NOT those of MNIST.")
        return synthetic_digits.load_data()

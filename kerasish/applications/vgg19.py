"""VGG19, a deep net of small convolutions (Simonyan and Zisserman, 2015).

Example:
    >>> VGG19(weights=None, include_top=False, input_shape=(32, 32, 3)).output_shape
    (None, 1, 1, 512)
"""

from kerasish.applications.imagenet_utils import CAFFE, decode_predictions, preprocessing
from kerasish.applications.vgg import VGG19

preprocess_input = preprocessing(__name__, CAFFE)

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

"""ResNets (He et al., 2016): each block adds what it has learnt to its input.

Example:
    >>> ResNet50(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from kerasish.applications.imagenet_utils import CAFFE, decode_predictions, preprocessing
from kerasish.applications.resnets import resnet

preprocess_input = preprocessing(__name__, CAFFE)

ResNet50 = resnet(__name__, 1, 50)
ResNet101 = resnet(__name__, 1, 101)
ResNet152 = resnet(__name__, 1, 152)

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

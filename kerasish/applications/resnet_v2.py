"""ResNets that normalize before each convolution (He et al., 2016).

Example:
    >>> ResNet50V2(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from kerasish.applications.imagenet_utils import TF, decode_predictions, preprocessing
from kerasish.applications.resnets import resnet

preprocess_input = preprocessing(__name__, TF)

ResNet50V2 = resnet(__name__, 2, 50)
ResNet101V2 = resnet(__name__, 2, 101)
ResNet152V2 = resnet(__name__, 2, 152)

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

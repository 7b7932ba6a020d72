"""ResNet50 (He et al., 2016), also in `kerasish.applications.resnet`."""

from kerasish.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

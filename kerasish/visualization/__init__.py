"""Pictures of images with their bounding boxes, masks and classes.

Drawing into images needs NumPy alone, names of classes Pillow (`pip install pillow`), and galleries
Matplotlib (`pip install matplotlib`).
"""

from kerasish.visualization.drawing import draw_bounding_boxes, draw_segmentation_masks
from kerasish.visualization.galleries import (
    plot_bounding_box_gallery,
    plot_image_gallery,
    plot_segmentation_mask_gallery,
)

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]

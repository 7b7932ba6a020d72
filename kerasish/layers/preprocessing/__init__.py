"""Layers that prepare data: numbers, categories, texts, images, sounds.

They work on data (`layer(array)`, also in a loop or in `ds.map(layer)`), and inside of models.
"""

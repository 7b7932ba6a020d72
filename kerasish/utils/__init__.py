"""Helpers beside the models: files, labels, arrays."""

"""kerasish: Keras on many engines."""

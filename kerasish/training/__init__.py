"""Training: data in, steps in bulk, losses and metrics put together."""

"""The graph: specs, tensors, primitives, Functions and the Programs that engines run."""

"""The HTTP door: what jobs are sold through."""

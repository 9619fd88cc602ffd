"""The sample world and its generator."""

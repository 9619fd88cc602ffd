"""The facts that stop dunning, and those for which a person decides."""

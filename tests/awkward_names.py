"""A name of a folder that every address, pattern and shell would like to read as something else."""

AWKWARD_NAME = "h50%20x #1?é&b "

"""Measurements of speed and quality, each printing JSON with every side measured in the same run."""

"""The trained part: text and mention features, linear weights, calibrated probabilities, thresholds."""

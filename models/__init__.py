"""From features to a calibrated, explained prediction, and its honest evaluation."""

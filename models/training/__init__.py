"""From a ledger to a trained model: landmarks, validation on the newest slices, selection, training."""

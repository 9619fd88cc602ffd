"""Where models are recorded, promoted and found again: MLflow, the champion, the home folder."""

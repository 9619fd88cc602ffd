"""The discrete-time hazard of settlement: its parts, its calibration, and the payment dates read from it."""

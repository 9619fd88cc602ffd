"""The score service, its store, the dunning policy and the reports."""

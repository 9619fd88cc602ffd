"""Thin assets: values in, one pure function, a value and its figures out (`pipelines.io` stores the values)."""

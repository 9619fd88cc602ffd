"""Thin assets: read from the workspace, call a pure function, write back, say what happened."""

"""Dagster definitions and the command line: joins the rooms, decides nothing."""

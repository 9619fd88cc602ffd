"""The nightly batch: every open invoice scored, explained and routed, and handed to the store."""

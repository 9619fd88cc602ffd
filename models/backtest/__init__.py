"""Honest evaluation: trained on what was known before a cut-off, tested on invoices issued from it on."""

"""What is known about a receivable at a moment: ledger, as-of engine, feature groups, e-mail signals."""

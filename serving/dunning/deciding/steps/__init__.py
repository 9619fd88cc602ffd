"""Which sequence a receivable is in, and how, when and at what price its next step is taken."""

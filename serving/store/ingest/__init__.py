"""Facts on their way into the store: events in any order, nightly loads, and how both become one ledger."""

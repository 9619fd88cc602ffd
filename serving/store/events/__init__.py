"""Facts that are more than one row: tables of instalments, merges of customers, attributes with their history."""

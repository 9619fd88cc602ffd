"""From facts to decisions: gates, routes, steps, one conversation a customer, the night's capacity."""

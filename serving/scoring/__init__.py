"""From a request to a score: the invoice completed from the store, its features, its score, its decision."""

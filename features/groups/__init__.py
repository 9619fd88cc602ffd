"""Feature columns by subject: declarations, computation, the catalogue of all of them and its page."""

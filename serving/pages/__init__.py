"""The credit manager's pages: what last night proposed, why, and a person's word in its place."""

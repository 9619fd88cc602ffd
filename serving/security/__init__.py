"""Who may ask and how often: access keys and scopes, rate limits, redaction of secrets."""

"""Reading e-mails for the service: one mail on request, and all new mails in a background process."""

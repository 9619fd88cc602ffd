"""What goes over the wire: requests, events, answers, refusals."""

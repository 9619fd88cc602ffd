"""What is between a socket and a route: connections, bodies, probes."""

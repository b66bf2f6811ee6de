"""The operator's sessions with AWS: clients, clocks and the pace of calls."""

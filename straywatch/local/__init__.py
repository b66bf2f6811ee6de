"""An AWS on 127.0.0.1 that runs the packaged application."""

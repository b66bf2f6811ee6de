"""The watch: a deployment followed in the terminal."""

"""Policy documents taken apart and compared by what they allow."""

"""The demo: a story of users who come and go, played and judged."""

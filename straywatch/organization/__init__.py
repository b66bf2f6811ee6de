"""An organization as its operator sees it: what each member needs, and how each account stands."""

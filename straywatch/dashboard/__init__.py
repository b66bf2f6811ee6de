"""The dashboard: a page on this machine that shows how the account and its monitor stand."""

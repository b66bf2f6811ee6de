"""Where alerts end on the embedded AWS: inbox, pager, chat and webhook."""

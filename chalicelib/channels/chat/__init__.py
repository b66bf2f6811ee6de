"""Chat: a card for each message, for Amazon Q in chat applications."""

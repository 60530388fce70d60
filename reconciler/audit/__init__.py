"""What happened: an append-only, hash-chained journal of intents and outcomes."""

"""A person's SQL: what is let through, how long it may take, and how its result is shown."""

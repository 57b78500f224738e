"""Open questions on the screen: forms, a board of several, and what is shown beside them."""

"""What was edited while a thread stood still, and the ways to go on."""

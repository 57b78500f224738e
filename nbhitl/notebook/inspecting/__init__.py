"""The state and its differences on the screen, and forms that edit it."""

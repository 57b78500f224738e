"""A thread's past on the screen: the timeline, the branches, and what followed from each answer."""

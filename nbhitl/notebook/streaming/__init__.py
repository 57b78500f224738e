"""What nodes stream while they run, as text below the drawing."""

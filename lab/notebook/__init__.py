"""What the notebooks share, so that they hold no logic of their own."""

"""Where images come from: repositories and golden images."""

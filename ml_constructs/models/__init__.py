"""Models: containers, what they load, the images they run, and the registry they come from."""

"""The parts of the `wangge` command line, one file per thing asked; each has `register(app)`."""

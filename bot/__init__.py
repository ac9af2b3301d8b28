"""The world: channels, the log, settings, start-up. Every channel calls App.handle and nothing else."""

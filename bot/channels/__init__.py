"""One module a channel. Each turns what its world brings into App.handle and messages into what its world shows."""

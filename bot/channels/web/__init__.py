"""The web chat: a page that works on a phone, by keyboard alone, with a screen reader and without JavaScript."""

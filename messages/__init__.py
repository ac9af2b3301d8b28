"""Words: turns a reply into a message, and typed words into the option they name. No channel, no database."""

"""`python -m bot` is `triage`."""

from bot.cli import run

if __name__ == "__main__":
    run()

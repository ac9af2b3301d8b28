"""Telegram: the conversation in a private chat. python-telegram-bot carries updates in and calls out, nothing else."""

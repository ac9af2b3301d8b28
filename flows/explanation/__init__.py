"""What an answer would be under other answers or other knowledge: changes, missing data, questions, impact."""

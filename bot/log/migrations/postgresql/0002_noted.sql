-- What a channel's courier notes of a conversation: which message shows the question it stands at.
ALTER TABLE conversation ADD COLUMN noted text NOT NULL DEFAULT '';

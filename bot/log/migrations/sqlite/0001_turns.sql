-- A turn a row, by the plain name of its conversation.
CREATE TABLE turn (
    conversation TEXT NOT NULL,
    case_number  INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    turn         TEXT NOT NULL,
    delivery     TEXT,
    knowledge    TEXT NOT NULL,
    at           TEXT NOT NULL,
    PRIMARY KEY (conversation, case_number, sequence)
) WITHOUT ROWID;
CREATE UNIQUE INDEX turn_delivery ON turn (conversation, delivery) WHERE delivery IS NOT NULL;

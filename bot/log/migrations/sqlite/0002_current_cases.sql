-- Only current cases are kept, by keyed hash; deliveries, outbox and records stand apart.
-- `keyed` and `delivery_hash` are the program's own functions: the key is not in the file.
ALTER TABLE turn RENAME TO turn_before;
CREATE TABLE knowledge (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE
) STRICT;
-- Rows are numbered in the order conversations began, so that those in use lie close together in the file.
CREATE TABLE conversation (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    case_number INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    seen_hour   INTEGER NOT NULL,
    address     BLOB
) STRICT;
CREATE INDEX conversation_seen ON conversation (seen_hour);
CREATE TABLE turn (
    conversation INTEGER NOT NULL,
    case_number  INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    turn         TEXT NOT NULL,
    knowledge    INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (conversation, case_number, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE delivery (
    conversation INTEGER NOT NULL,
    id           BLOB NOT NULL,
    case_number  INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    hour         INTEGER NOT NULL,
    PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_hour ON delivery (hour);
-- waiting: certainly not sent. sending: by somebody, until lease_until. unsure: it may have arrived.
CREATE TABLE outbox (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL,
    channel      TEXT NOT NULL,
    payload      TEXT NOT NULL,
    repeatable   INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'unsure')),
    attempts     INTEGER NOT NULL,
    due          INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_conversation ON outbox (conversation, number);
CREATE INDEX outbox_due ON outbox (state, due);
CREATE TABLE record (
    id       TEXT NOT NULL,
    owner    BLOB NOT NULL,
    document TEXT NOT NULL,
    hour     INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;
-- Erasures carried out, so that one delivered again does not erase what came after; they lead to nobody.
CREATE TABLE erasure (
    token BLOB PRIMARY KEY,
    hour  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE key_check (
    fingerprint BLOB NOT NULL
) STRICT;
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
INSERT INTO probe VALUES (1, 0);
INSERT INTO knowledge (digest) SELECT DISTINCT knowledge FROM turn_before;
INSERT INTO conversation (id, case_number, sequence, seen_hour)
    SELECT keyed(conversation), case_number, sum(turn <> ''), max(unixepoch(at)) / 3600
    FROM turn_before AS kept
    WHERE case_number = (SELECT max(case_number) FROM turn_before AS newest WHERE newest.conversation = kept.conversation)
    GROUP BY conversation, case_number;
INSERT INTO turn
    SELECT conversation.number, kept.case_number,
           row_number() OVER (PARTITION BY kept.conversation ORDER BY kept.sequence),
           kept.turn, knowledge.number, unixepoch(kept.at)
    FROM turn_before AS kept
    JOIN conversation ON conversation.id = keyed(kept.conversation) AND conversation.case_number = kept.case_number
    JOIN knowledge ON knowledge.digest = kept.knowledge
    WHERE kept.turn <> '';
INSERT INTO delivery
    SELECT conversation.number, delivery_hash(kept.delivery), kept.case_number, kept.sequence, unixepoch(kept.at) / 3600
    FROM turn_before AS kept
    JOIN conversation ON conversation.id = keyed(kept.conversation)
    WHERE kept.delivery IS NOT NULL;
DROP TABLE turn_before;

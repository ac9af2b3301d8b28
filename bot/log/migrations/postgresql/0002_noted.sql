-- What a channel's courier notes of a conversation: which message shows the question it stands at.
ALTER TABLE conversation ADD COLUMN noted text NOT NULL DEFAULT '';

-- As before, and: what was delivered before an erasure begins nothing anew when it comes again. Only of channels that send
-- by themselves: their platform never uses the name of a delivery twice.
CREATE OR REPLACE FUNCTION take_turns(
    ids bytea[], serials bigint[], cases integer[], sequences integer[], new_cases integer[], turns text[],
    deliveries bytea[], knowledges integer[], channels text[], addresses bytea[], shows_again boolean[],
    patient boolean, now_at bigint,
    letter_of integer[], payloads text[], repeatables integer[],
    OUT outcomes integer[], OUT kept_serials bigint[], OUT place_cases integer[], OUT place_sequences integer[]
) LANGUAGE plpgsql AS $$
DECLARE
    i integer;
    found_row record;
    taken record;
    now_hour integer := now_at / 3600;
    after_sequence integer;
BEGIN
    outcomes := array_fill(2, ARRAY[cardinality(ids)]);
    kept_serials := array_fill(0::bigint, ARRAY[cardinality(ids)]);
    place_cases := array_fill(0, ARRAY[cardinality(ids)]);
    place_sequences := place_cases;
    FOR i IN SELECT n FROM generate_subscripts(ids, 1) AS n ORDER BY ids[n], n LOOP
        IF NOT patient AND EXISTS (SELECT 1 FROM conversation WHERE id = ids[i]) THEN
            PERFORM 1 FROM conversation WHERE id = ids[i] FOR UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                outcomes[i] := 3;
                CONTINUE;
            END IF;
        END IF;
        SELECT number, case_number, sequence INTO found_row FROM conversation WHERE id = ids[i] FOR UPDATE;
        IF NOT FOUND THEN
            CONTINUE WHEN serials[i] <> 0;
            IF channels[i] <> '' AND EXISTS (SELECT 1 FROM erasure WHERE token = sha256(ids[i] || deliveries[i])) THEN
                outcomes[i] := 1;
                CONTINUE;
            END IF;
            INSERT INTO conversation (id, case_number, sequence, seen_hour) VALUES (ids[i], cases[i], 0, now_hour)
                ON CONFLICT (id) DO NOTHING RETURNING number, case_number, sequence INTO found_row;
            CONTINUE WHEN found_row.number IS NULL;
            serials[i] := found_row.number;
        ELSE
            SELECT case_number, sequence INTO taken FROM delivery
                WHERE conversation = found_row.number AND id = deliveries[i];
            IF FOUND THEN
                outcomes[i] := 1;
                kept_serials[i] := found_row.number;
                place_cases[i] := taken.case_number;
                place_sequences[i] := taken.sequence;
                CONTINUE;
            END IF;
            CONTINUE WHEN (found_row.number, found_row.case_number, found_row.sequence)
                IS DISTINCT FROM (serials[i], cases[i], sequences[i]);
            -- to be decided again, with what may not have arrived shown again
            CONTINUE WHEN i = ANY (letter_of) AND NOT shows_again[i]
                AND EXISTS (SELECT 1 FROM outbox WHERE conversation = serials[i] AND state = 'unsure');
        END IF;
        after_sequence := CASE WHEN new_cases[i] = cases[i] THEN sequences[i] ELSE 0 END
            + CASE WHEN turns[i] <> '' THEN 1 ELSE 0 END;
        UPDATE conversation SET case_number = new_cases[i], sequence = after_sequence,
            seen_hour = greatest(seen_hour, now_hour), address = coalesce(addresses[i], address)
            WHERE number = serials[i];
        IF turns[i] <> '' THEN
            INSERT INTO turn VALUES (serials[i], new_cases[i], after_sequence, turns[i], knowledges[i], now_at);
        END IF;
        IF new_cases[i] <> cases[i] THEN
            DELETE FROM turn WHERE conversation = serials[i] AND case_number < new_cases[i];
        END IF;
        -- by the latest hour the conversation was seen in: a clock that was behind does not make it older than it is
        INSERT INTO delivery SELECT serials[i], deliveries[i], new_cases[i], after_sequence, seen_hour
            FROM conversation WHERE number = serials[i];
        IF shows_again[i] THEN
            DELETE FROM outbox WHERE conversation = serials[i] AND state = 'unsure';
        END IF;
        IF i = ANY (letter_of) THEN
            INSERT INTO outbox (conversation, channel, payload, repeatable, state, attempts, due)
                SELECT serials[i], channels[i], letter.payload, letter.repeatable, 'waiting', 0, 0
                FROM unnest(letter_of, payloads, repeatables) WITH ORDINALITY
                    AS letter (entry, payload, repeatable, place)
                WHERE letter.entry = i ORDER BY letter.place;
        END IF;
        outcomes[i] := 0;
        kept_serials[i] := serials[i];
    END LOOP;
END $$;

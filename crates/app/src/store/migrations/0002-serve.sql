-- What `lastgood serve` needs: silences of one address, what pushes were folded to, and first attempts that are always due.

-- Both NULL for a silence of everybody.
ALTER TABLE silence ADD COLUMN channel TEXT;
ALTER TABLE silence ADD COLUMN recipient TEXT CHECK ((channel IS NULL) = (recipient IS NULL));

-- What is remembered of events up to a number, so that they need not be kept for ever. One row.
CREATE TABLE pushed (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    upto INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;

-- What was never tried is due whatever the clock says: next_try_at is 0 until the first attempt.
UPDATE message SET next_try_at = 0 WHERE state = 'due' AND attempt_count = 0;

-- How much waits, for how long and through which channel, without reading any content.
CREATE INDEX message_waiting ON message (channel, id, attempt_count, decided_at) WHERE state = 'due';

-- What is due is asked for channel by channel.
DROP INDEX message_due;
CREATE INDEX message_due ON message (channel, next_try_at, id) WHERE state = 'due';

-- Which addresses are not reached, without going through all that was ever sent.
CREATE INDEX message_given_up ON message (channel, recipient, id, ended_at) WHERE state = 'given_up';
CREATE INDEX message_delivered ON message (channel, recipient, id) WHERE state = 'delivered';

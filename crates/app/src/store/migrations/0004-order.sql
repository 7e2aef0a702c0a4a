-- To one recipient messages go in the order they were decided, and what was given up is told anew once a later one arrived.

-- How many of the attempts were made before a newer message to the same recipient was decided: waits are counted from there.
ALTER TABLE message ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;

-- Whether an earlier one to the same recipient waits, without reading any content.
CREATE INDEX message_in_order ON message (channel, recipient, id, state) WHERE state = 'due';
DROP INDEX message_due;
CREATE INDEX message_due ON message (channel, next_try_at, id, recipient, state) WHERE state = 'due';

-- 1 for a line of a message that was given up, once a later message arrived there: whatever of it still matters is told
-- anew, so the same may be told once more.
ALTER TABLE notification ADD COLUMN lost INTEGER NOT NULL DEFAULT 0 CHECK (lost IN (0, 1));
DROP INDEX notification_once;
DROP INDEX notification_first;
CREATE UNIQUE INDEX notification_once ON notification (incident, channel, recipient, why, number)
    WHERE why <> 'more_subjects' AND lost = 0;
CREATE UNIQUE INDEX notification_first ON notification (incident, channel, recipient)
    WHERE why IN ('first', 'escalated') AND lost = 0;

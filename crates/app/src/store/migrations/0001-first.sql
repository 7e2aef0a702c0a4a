-- Everything the store keeps. Never changed once released: what comes later is another file.
--
-- Instants are nanoseconds since 1970 in UTC, always of our own clock; what others dated stands inside the blobs.
-- Names are BLOB: they stem from other systems and need not be text.

-- The one row that everything a plan is made of belongs to: what was read at another revision decides nothing.
CREATE TABLE standing (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    decided_at INTEGER
) STRICT;
INSERT INTO standing (id, revision, decided_at) VALUES (1, 0, NULL);

CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL
) STRICT;

-- The last row of a look: without it its parts are not read. Once thinned, one row stands for all looks of a day.
CREATE TABLE look (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source (id),
    observed_at INTEGER NOT NULL,
    listing TEXT NOT NULL CHECK (listing IN ('complete', 'partial', 'failed')),
    extent TEXT NOT NULL CHECK (extent IN ('complete', 'partial', 'failed')),
    failures BLOB NOT NULL,
    repository_count INTEGER NOT NULL,
    asset_count INTEGER NOT NULL,
    part_count INTEGER NOT NULL,
    look_count INTEGER NOT NULL CHECK (look_count >= 1),
    partial_count INTEGER NOT NULL,
    failed_count INTEGER NOT NULL,
    UNIQUE (source, observed_at)
) STRICT;

-- What a look stated anew, cut into pieces that are written one transaction each, before the row of the look.
CREATE TABLE look_part (
    id INTEGER PRIMARY KEY,
    look INTEGER NOT NULL,
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (look, number)
) STRICT;

-- The last row of a checkpoint: the facts about one source after one look.
CREATE TABLE checkpoint (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source (id),
    look INTEGER NOT NULL REFERENCES look (id),
    made_at INTEGER NOT NULL,
    part_count INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoint_by_source ON checkpoint (source, id);

CREATE TABLE checkpoint_part (
    id INTEGER PRIMARY KEY,
    checkpoint INTEGER NOT NULL,
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (checkpoint, number)
) STRICT;

-- Suspected while opened_at is NULL; over once closed_at is set. `subject` is source, repository and asset in one.
CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    subject BLOB NOT NULL,
    source TEXT NOT NULL,
    repository BLOB,
    asset BLOB,
    check_id TEXT NOT NULL,
    noticed_at INTEGER NOT NULL,
    opened_at INTEGER,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    looked_at INTEGER NOT NULL,
    bad_looks INTEGER NOT NULL,
    ok_looks INTEGER NOT NULL,
    reason TEXT NOT NULL,
    closed_at INTEGER,
    closing TEXT,
    UNIQUE (subject, check_id, noticed_at),
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
    CHECK ((closed_at IS NULL) = (closing IS NULL)),
    CHECK (closed_at IS NULL OR opened_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX incident_known ON incident (subject, check_id) WHERE closed_at IS NULL;
CREATE INDEX incident_of_source ON incident (source, noticed_at);

-- What each address was told about an incident; ended_at is when it was told that it is over.
CREATE TABLE telling (
    incident INTEGER NOT NULL REFERENCES incident (id),
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    reminder_count INTEGER NOT NULL,
    affected_count INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (incident, channel, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX telling_going_on ON telling (incident) WHERE ended_at IS NULL;

-- The outbox: what stands here is sent as it stands, however often it takes.
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    thread TEXT,
    content BLOB NOT NULL,
    decided_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'given_up')),
    attempt_count INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER NOT NULL,
    ended_at INTEGER,
    CHECK ((state = 'due') = (ended_at IS NULL))
) STRICT;
CREATE INDEX message_due ON message (next_try_at, id) WHERE state = 'due';

-- Why a message is sent: one row per incident it speaks of.
CREATE TABLE notification (
    message INTEGER NOT NULL REFERENCES message (id),
    incident INTEGER NOT NULL REFERENCES incident (id),
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('first', 'escalated', 'more_subjects', 'reminder', 'resolved')),
    number INTEGER NOT NULL,
    PRIMARY KEY (message, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_of_incident ON notification (incident);
-- At most one per episode, address and reason. How many subjects a cause affects may rise, fall and rise again.
CREATE UNIQUE INDEX notification_once ON notification (incident, channel, recipient, why, number)
    WHERE why <> 'more_subjects';
CREATE UNIQUE INDEX notification_first ON notification (incident, channel, recipient)
    WHERE why IN ('first', 'escalated');

-- One attempt to send a message.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message (id),
    tried_at INTEGER NOT NULL,
    failure TEXT,
    words TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_of_message ON delivery (message);

-- Who was not told from when to when, and why.
CREATE TABLE withheld (
    id INTEGER PRIMARY KEY,
    incident INTEGER NOT NULL REFERENCES incident (id),
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    why TEXT NOT NULL,
    about TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER
) STRICT;
CREATE UNIQUE INDEX withheld_going_on ON withheld (incident, channel, recipient) WHERE until_at IS NULL;
CREATE INDEX withheld_of_incident ON withheld (incident);

CREATE TABLE silence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pattern TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    said_by TEXT NOT NULL,
    ended_at INTEGER
) STRICT;

-- What was pushed to us, as it came. The key is a hash: the secret itself is never kept.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

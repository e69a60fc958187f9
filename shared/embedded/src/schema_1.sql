-- Times are milliseconds since 1970. JSON columns hold the domain's own stored form.

CREATE TABLE conversations (
    connection TEXT NOT NULL,
    thread     TEXT NOT NULL,
    version    INTEGER NOT NULL,
    with_bot   INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    rce_thread TEXT,
    -- Counts who took an RCE thread over; the highest owns it.
    rce_turn   INTEGER,
    state      TEXT NOT NULL,
    PRIMARY KEY (connection, thread)
);
CREATE INDEX conversations_by_rce_thread ON conversations (connection, rce_thread, rce_turn)
    WHERE rce_thread IS NOT NULL;
CREATE INDEX conversations_by_change ON conversations (changed_at);

CREATE TABLE ledger (
    key        TEXT NOT NULL PRIMARY KEY,
    holder     TEXT NOT NULL,
    record     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX ledger_by_expiry ON ledger (expires_at);

CREATE TABLE kept_messages (
    n          INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    thread     TEXT NOT NULL,
    sent_at    INTEGER NOT NULL,
    message    TEXT NOT NULL
);
CREATE INDEX kept_messages_by_conversation ON kept_messages (connection, thread, n);
CREATE INDEX kept_messages_by_age ON kept_messages (sent_at);

CREATE TABLE timeline (
    n          INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    thread     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    entry      TEXT NOT NULL
);
CREATE INDEX timeline_by_conversation ON timeline (connection, thread, at, n);
CREATE INDEX timeline_by_age ON timeline (at);

CREATE TABLE jobs (
    -- Never used again, because receipts name it.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue      TEXT NOT NULL,
    grp        TEXT NOT NULL,
    -- 1: the first of its group, the only one that may be received.
    ready      INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- Grows whenever the right to finish the job changes hands; a receipt names it too.
    turn       INTEGER NOT NULL DEFAULT 0,
    job        TEXT NOT NULL
);
CREATE INDEX jobs_by_group ON jobs (queue, grp, id);
CREATE INDEX jobs_receivable ON jobs (queue, visible_at, id) WHERE ready = 1;

-- What was sent lately, to drop repeats.
CREATE TABLE sent (
    queue      TEXT NOT NULL,
    dedup      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (queue, dedup)
) WITHOUT ROWID;
CREATE INDEX sent_by_expiry ON sent (expires_at);

CREATE TABLE dead_letters (
    -- Never used again, because operators quote it.
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    queue    TEXT NOT NULL,
    grp      TEXT NOT NULL,
    reason   TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    job      TEXT NOT NULL
);

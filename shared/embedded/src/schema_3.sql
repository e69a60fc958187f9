-- The status of a handover that is under way, to count them: each status is one short stretch of the index.
ALTER TABLE conversations ADD COLUMN open_status TEXT;
UPDATE conversations SET open_status = json_extract(state, '$.control')
    WHERE json_extract(state, '$.control') IN ('requested', 'queued', 'active');
CREATE INDEX conversations_open ON conversations (connection, open_status) WHERE open_status IS NOT NULL;
-- To count dead letters without reading their jobs; a group begins with its connection.
CREATE INDEX dead_letters_by_group ON dead_letters (queue, grp);

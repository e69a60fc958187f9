-- When somebody should look after a conversation's handover.
ALTER TABLE conversations ADD COLUMN look_at INTEGER;
CREATE INDEX conversations_to_look_after ON conversations (look_at) WHERE look_at IS NOT NULL;
-- Handovers that are under way are looked after at once.
UPDATE conversations SET look_at = 0
    WHERE json_extract(state, '$.control') IN ('requested', 'queued', 'active');

-- Whose a claim is (connection/thread), so that a person can be erased. Those of before expire within days.
ALTER TABLE ledger ADD COLUMN owner TEXT;

-- Whoever opens a finding holds the key's row, which names the rules that it breaks: nobody opens one twice.
-- The primary key begins in the same way as this index did, and an evaluation wrote both for each finding.
DROP INDEX findings_open;

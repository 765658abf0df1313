-- What the overview counts keys by, so that it need not fetch them.
CREATE INDEX keys_sums ON keys (tenant_id, account_id, due, action, rules, use_status)
    WHERE state <> 'destroyed';

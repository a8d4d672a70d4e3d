-- Ends the hold of a request: p_kind 'use' consumes the credit, 'give_back' returns it, also after
-- it was used. A repeated call, or one for a request without a hold, changes nothing.
CREATE OR REPLACE FUNCTION close_credit_hold(p_request uuid, p_kind text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  source_grant credit_grants;
  current_state text;
  was_held int;
  was_used int;
  newly_revoked int;
BEGIN
  SELECT g.* INTO source_grant FROM credit_grants g JOIN credit_holds h USING (checkout_id)
    WHERE h.request_id = p_request;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM lock_credits(source_grant.owner_id, source_grant.product);
  -- The grant may have moved to another owner meanwhile, whose advisory lock is a different one.
  PERFORM FROM credit_grants WHERE checkout_id = source_grant.checkout_id FOR UPDATE;
  SELECT state INTO current_state FROM credit_holds WHERE request_id = p_request;
  IF p_kind = 'use' AND current_state = 'held' THEN
    UPDATE credit_holds SET state = 'used' WHERE request_id = p_request;
    UPDATE credit_grants SET held = held - 1, used = used + 1
      WHERE checkout_id = source_grant.checkout_id;
    PERFORM record_credit_entry(source_grant.checkout_id, p_request, 'use', 0, -1, 1, 0);
  ELSIF p_kind = 'give_back' AND current_state <> 'given_back' THEN
    was_held := (current_state = 'held')::int;
    was_used := (current_state = 'used')::int;
    SELECT (revoked < owed)::int INTO newly_revoked FROM credit_grants
      WHERE checkout_id = source_grant.checkout_id;
    UPDATE credit_holds SET state = 'given_back' WHERE request_id = p_request;
    -- A credit the checkout owes is revoked in the same statement, before anyone can hold it.
    UPDATE credit_grants SET held = held - was_held, used = used - was_used,
        revoked = revoked + newly_revoked
      WHERE checkout_id = source_grant.checkout_id;
    PERFORM record_credit_entry(source_grant.checkout_id, p_request, 'give_back',
      0, -was_held, -was_used, 0);
    IF newly_revoked > 0 THEN
      PERFORM record_credit_entry(source_grant.checkout_id, p_request, 'revoke', 0, 0, 0, 1);
    END IF;
  END IF;
END
$$;

-- Holds one credit of the owner's oldest grant with any left, for a request.
-- Returns whether the request holds or has used a credit; a repeated call holds no second one.
CREATE OR REPLACE FUNCTION hold_credit(p_owner uuid, p_product text, p_request uuid)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  current_state text;
  grant_id uuid;
BEGIN
  PERFORM lock_credits(p_owner, p_product);
  SELECT state INTO current_state FROM credit_holds WHERE request_id = p_request;
  IF FOUND THEN RETURN current_state <> 'given_back'; END IF;
  SELECT checkout_id INTO grant_id FROM credit_grants
    WHERE owner_id = p_owner AND product = p_product AND held + used + revoked < granted
    ORDER BY created_at, checkout_id LIMIT 1;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE credit_grants SET held = held + 1 WHERE checkout_id = grant_id;
  INSERT INTO credit_holds (request_id, checkout_id) VALUES (p_request, grant_id);
  PERFORM record_credit_entry(grant_id, p_request, 'hold', 0, 1, 0, 0);
  RETURN true;
END
$$;

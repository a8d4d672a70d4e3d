-- Appends one credit movement to the ledger, under the grant's present owner and product.
CREATE OR REPLACE FUNCTION record_credit_entry(p_checkout uuid, p_request uuid, p_kind text,
  p_granted int, p_held int, p_used int, p_revoked int)
RETURNS void LANGUAGE sql AS $$
  INSERT INTO credit_entries
      (owner_id, product, checkout_id, request_id, kind, granted, held, used, revoked)
    SELECT owner_id, product, checkout_id, p_request, p_kind,
      p_granted, p_held, p_used, p_revoked
    FROM credit_grants WHERE checkout_id = p_checkout
$$;

-- Grants what a checkout bought; a repeated call changes nothing.
CREATE OR REPLACE FUNCTION grant_credits(
  p_owner uuid, p_product text, p_amount int, p_checkout uuid)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_credits(p_owner, p_product);
  INSERT INTO credit_grants (checkout_id, owner_id, product, granted)
    VALUES (p_checkout, p_owner, p_product, p_amount) ON CONFLICT DO NOTHING;
  IF FOUND THEN PERFORM record_credit_entry(p_checkout, NULL, 'grant', p_amount, 0, 0, 0); END IF;
END
$$;

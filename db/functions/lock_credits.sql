-- Serializes all changes to one owner's credits of one product until the transaction ends.
-- An advisory lock, because row locks would not cover a grant that is being inserted.
CREATE OR REPLACE FUNCTION lock_credits(p_owner uuid, p_product text)
RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('credits ' || p_owner || ' ' || p_product, 0))
$$;

-- Sets how many of a checkout's credits its refunded money was for, and revokes as many of them as
-- are unused; a smaller number restores them. Returns how many are revoked now.
CREATE OR REPLACE FUNCTION set_credits_owed(p_checkout uuid, p_amount int)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  source_grant credit_grants;
  newly_revoked int;
BEGIN
  SELECT * INTO source_grant FROM credit_grants WHERE checkout_id = p_checkout;
  IF NOT FOUND THEN RETURN 0; END IF;
  PERFORM lock_credits(source_grant.owner_id, source_grant.product);
  SELECT * INTO source_grant FROM credit_grants WHERE checkout_id = p_checkout FOR UPDATE;
  source_grant.owed := greatest(0, least(p_amount, source_grant.granted));
  newly_revoked := least(source_grant.owed - source_grant.revoked,
    source_grant.granted - source_grant.held - source_grant.used - source_grant.revoked);
  UPDATE credit_grants SET owed = source_grant.owed, revoked = revoked + newly_revoked
    WHERE checkout_id = p_checkout;
  IF newly_revoked <> 0 THEN
    PERFORM record_credit_entry(p_checkout, NULL,
      CASE WHEN newly_revoked > 0 THEN 'revoke' ELSE 'restore' END, 0, 0, 0, newly_revoked);
  END IF;
  RETURN source_grant.revoked + newly_revoked;
END
$$;

-- Reserves an amount in every pot, each with its own limit, or in none.
-- Returns the first pot without room, or NULL when the amount is reserved.
-- Pots are locked in the order of their names, so that callers who share pots cannot deadlock.
CREATE OR REPLACE FUNCTION reserve_budget(
  p_request uuid, p_day date, p_pots text[], p_limits numeric[], p_usd numeric)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE full_pot text;
BEGIN
  INSERT INTO budget_pots (pot, day, limit_usd)
    SELECT given.pot, p_day, given.limit_usd FROM unnest(p_pots, p_limits) AS given (pot, limit_usd)
    ORDER BY given.pot ON CONFLICT DO NOTHING;
  PERFORM FROM budget_pots WHERE day = p_day AND pot = ANY (p_pots) ORDER BY pot FOR UPDATE;
  SELECT given.pot INTO full_pot
    FROM unnest(p_pots, p_limits) WITH ORDINALITY AS given (pot, limit_usd, position)
    JOIN budget_pots b ON b.pot = given.pot AND b.day = p_day
    WHERE b.reserved_usd + b.spent_usd + p_usd > given.limit_usd
    ORDER BY given.position LIMIT 1;
  IF FOUND THEN RETURN full_pot; END IF;
  UPDATE budget_pots SET reserved_usd = reserved_usd + p_usd, limit_usd = given.limit_usd
    FROM unnest(p_pots, p_limits) AS given (pot, limit_usd)
    WHERE budget_pots.day = p_day AND budget_pots.pot = given.pot;
  INSERT INTO budget_reservations (request_id, day, pots, amount_usd)
    VALUES (p_request, p_day, p_pots, p_usd);
  INSERT INTO ledger_entries (pot, day, request_id, kind, reserved_usd, spent_usd)
    SELECT pot, p_day, p_request, 'reserve', p_usd, 0 FROM unnest(p_pots) AS pot;
  RETURN NULL;
END
$$;

-- Books a request's total cost and frees what is left of its reservation; p_kind is 'settle' or
-- 'release'. Called again with another amount, it books the difference.
-- Returns the reserved amount, or NULL when nothing was reserved.
-- Pots are locked in the order of their names, so that callers who share pots cannot deadlock.
CREATE OR REPLACE FUNCTION settle_budget(p_request uuid, p_usd numeric, p_kind text)
RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  reservation budget_reservations;
  freed numeric;
  increase numeric;
BEGIN
  SELECT * INTO reservation FROM budget_reservations WHERE request_id = p_request FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  freed := CASE WHEN reservation.state = 'open' THEN reservation.amount_usd ELSE 0 END;
  increase := p_usd - reservation.spent_usd;
  -- Already closed: only a difference is booked.
  IF reservation.state <> 'open' AND increase = 0 THEN RETURN reservation.amount_usd; END IF;
  PERFORM FROM budget_pots
    WHERE day = reservation.day AND pot = ANY (reservation.pots) ORDER BY pot FOR UPDATE;
  UPDATE budget_pots SET reserved_usd = reserved_usd - freed, spent_usd = spent_usd + increase
    WHERE day = reservation.day AND pot = ANY (reservation.pots);
  UPDATE budget_reservations SET spent_usd = p_usd,
      state = CASE p_kind WHEN 'release' THEN 'released' ELSE 'settled' END
    WHERE request_id = p_request;
  INSERT INTO ledger_entries (pot, day, request_id, kind, reserved_usd, spent_usd)
    SELECT pot, reservation.day, p_request, p_kind, -freed, increase
    FROM unnest(reservation.pots) AS pot;
  RETURN reservation.amount_usd;
END
$$;

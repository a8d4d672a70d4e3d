-- Raises a request's open reservation to p_usd in all of its pots; a lower p_usd changes nothing.
-- Returns the first pot without room ('reservation' when none is open), or NULL on success.
-- Pots are locked in the order of their names, so that callers who share pots cannot deadlock.
CREATE OR REPLACE FUNCTION extend_budget(p_request uuid, p_usd numeric)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  reservation budget_reservations;
  increase numeric;
  full_pot text;
BEGIN
  SELECT * INTO reservation FROM budget_reservations
    WHERE request_id = p_request AND state = 'open' FOR UPDATE;
  IF NOT FOUND THEN RETURN 'reservation'; END IF;
  increase := p_usd - reservation.amount_usd;
  IF increase <= 0 THEN RETURN NULL; END IF;
  PERFORM FROM budget_pots
    WHERE day = reservation.day AND pot = ANY (reservation.pots) ORDER BY pot FOR UPDATE;
  SELECT pot INTO full_pot FROM budget_pots
    WHERE day = reservation.day AND pot = ANY (reservation.pots)
      AND reserved_usd + spent_usd + increase > limit_usd
    ORDER BY array_position(reservation.pots, pot) LIMIT 1;
  IF FOUND THEN
    UPDATE budget_pots SET refused_at = now()
      WHERE pot = full_pot AND day = reservation.day AND refused_at IS NULL;
    RETURN full_pot;
  END IF;
  UPDATE budget_pots SET reserved_usd = reserved_usd + increase
    WHERE day = reservation.day AND pot = ANY (reservation.pots);
  UPDATE budget_reservations SET amount_usd = p_usd WHERE request_id = p_request;
  INSERT INTO ledger_entries (pot, day, request_id, kind, reserved_usd, spent_usd)
    SELECT pot, reservation.day, p_request, 'extend', increase, 0
    FROM unnest(reservation.pots) AS pot;
  RETURN NULL;
END
$$;

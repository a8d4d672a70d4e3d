-- One vote per voter and factoid: replaces the voter's vote and moves the tally by the difference.
-- Returns the new tally, or no row when the factoid does not exist.
CREATE OR REPLACE FUNCTION cast_vote(p_factoid uuid, p_voter uuid, p_value smallint)
RETURNS TABLE (up int, down int) LANGUAGE plpgsql AS $$
DECLARE previous smallint := 0;
BEGIN
  PERFORM FROM tallies WHERE factoid_id = p_factoid;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO votes (factoid_id, voter_id, value) VALUES (p_factoid, p_voter, p_value)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT value INTO previous FROM votes
      WHERE factoid_id = p_factoid AND voter_id = p_voter FOR UPDATE;
    IF previous = p_value THEN
      RETURN QUERY SELECT votes_up, votes_down FROM tallies WHERE factoid_id = p_factoid;
      RETURN;
    END IF;
    UPDATE votes SET value = p_value, cast_at = now()
      WHERE factoid_id = p_factoid AND voter_id = p_voter;
  END IF;
  -- The tally is the contended row: it is locked last, for the shortest time.
  RETURN QUERY UPDATE tallies SET
      votes_up = votes_up + (p_value = 1)::int - (previous = 1)::int,
      votes_down = votes_down + (p_value = -1)::int - (previous = -1)::int,
      hot_rank = hot_rank(
        votes_up + (p_value = 1)::int - (previous = 1)::int,
        votes_down + (p_value = -1)::int - (previous = -1)::int, published_at, now())
    WHERE factoid_id = p_factoid RETURNING votes_up, votes_down;
END
$$;

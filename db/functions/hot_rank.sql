-- Rank of a factoid in the feed 'hot': net votes, decaying with age; 0 from the seventh day on.
CREATE OR REPLACE FUNCTION hot_rank(
  votes_up int, votes_down int, published_at timestamptz, at timestamptz)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN at - published_at >= interval '7 days' OR published_at > at + interval '1 minute' THEN 0
    ELSE log(greatest(2, votes_up - votes_down + 2)::double precision)
      / power(greatest(0, extract(epoch FROM at - published_at)) / 3600 + 2, 1.8)
  END
$$;

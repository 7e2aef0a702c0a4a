-- What links in messages say: a silence of some checks only, and one reader who knows; and since when something is bad.

-- The words of the checks with a space between them; NULL for a silence of every check.
ALTER TABLE silence ADD COLUMN checks TEXT;

-- Since when this address knows of it: it is reminded no more, whatever others know.
ALTER TABLE telling ADD COLUMN known_at INTEGER;

-- Since when it was bad, as the facts told when it was noticed.
ALTER TABLE incident ADD COLUMN began_at INTEGER;

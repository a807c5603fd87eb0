-- The store's clock.
-- returns  now
return nowText

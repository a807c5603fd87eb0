/** What fills pages on their way into the file, before they are kept free for what comes: see `SparePages`. Mostly empty. */
export const spare = `
CREATE TABLE spare (
  pages BLOB NOT NULL
) STRICT;
`

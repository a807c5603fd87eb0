/** Gives a `RunRow`. */
export const SELECT_RUN = `
SELECT runs.*, sessions.node AS node FROM runs LEFT JOIN sessions ON sessions.number = runs.session`

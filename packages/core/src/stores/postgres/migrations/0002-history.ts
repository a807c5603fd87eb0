/** What pruning counts apart, of each schedule: small, for most runs end well. */
export const history = `
CREATE INDEX runs_failed ON @runs (schedule_id, fire_time) WHERE queue = 0 AND status IN ('failed', 'lost');
CREATE INDEX runs_unstarted ON @runs (schedule_id, fire_time) WHERE queue = 0 AND status IN ('skipped', 'missed');
`

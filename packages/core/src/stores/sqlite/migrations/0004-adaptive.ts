/**
 * The interval that led to a fire time, where load had spread fire times out: of the next one of a schedule, and of what
 * became a run. Nodes that have not beaten since tell of no load.
 */
export const adaptive = `
ALTER TABLE schedules ADD COLUMN stretched_ms INTEGER;
ALTER TABLE runs ADD COLUMN stretched_ms INTEGER;
UPDATE sessions SET info = json_set(info, '$.latenessMs', 0, '$.load', 0);
`

import type { WallMs } from './civil.js'

/** Local times in order, in whole seconds, without a zone. Pure, like a trigger. */
export interface WallTimes {
  /** The first one at or after `wall`; Infinity when none is left. */
  next(wall: WallMs): WallMs
  /** The last one at or before `wall`; −Infinity when there is none. */
  previous(wall: WallMs): WallMs
}

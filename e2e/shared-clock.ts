/**
 * Milliseconds on the monotonic clock of the machine: the same for all its processes, never set, and left alone by
 * libfaketime under DONT_FAKE_MONOTONIC. So what nodes with false wall clocks write can be compared.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** One moment on both clocks. */
export interface ClockReading {
  readonly monotonic: number
  readonly wall: number
}

export function readClocks(): ClockReading {
  let reading: ClockReading | null = null
  for (let i = 0; i < 5; i++) {
    const before = Date.now()
    let wall = before
    while (wall === before) wall = Date.now()
    const monotonic = monotonicMs()
    // Being interrupted between the two readings can only make the wall clock seem behind: the furthest is the best.
    if (reading === null || wall - monotonic > reading.wall - reading.monotonic) reading = { monotonic, wall }
  }
  return reading!
}

/** Wall-clock times of monotonic ones, by a reading before and one after: wall clocks are slewed by up to 0.05 %. */
export function wallTimes(first: ClockReading, last: ClockReading): (monotonic: number) => number {
  const rate = (last.wall - first.wall) / (last.monotonic - first.monotonic)
  return (monotonic) => first.wall + (monotonic - first.monotonic) * rate
}

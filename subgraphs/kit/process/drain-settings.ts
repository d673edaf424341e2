import { announcedDrain, promptDrain } from './drain.ts'
import type { DrainTimes } from './drain.ts'
import type { Settings } from './settings.ts'

/** Returns how a process stops, from DRAIN_ANNOUNCE and DRAIN_FINISH, which are in seconds. */
export function drainSettings(settings: Settings): DrainTimes {
  const defaults = settings.production ? announcedDrain : promptDrain
  const milliseconds = (name: string, fallback: number) =>
    1000 * settings.wholeNumber(name, fallback / 1000, { least: 0, most: 3600 })
  return {
    announce: milliseconds('DRAIN_ANNOUNCE', defaults.announce),
    finish: milliseconds('DRAIN_FINISH', defaults.finish),
  }
}

/** Composes again whenever something that the supergraph is made of has changed. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { failureLine } from '../../subgraphs/kit/process/run-process.ts'
import { composeToFile } from './compose-to-file.ts'
import type { ComposeOptions } from './compose-to-file.ts'
import type { Sources } from './compose-supergraph.ts'
import type { Report } from './report.ts'
import { watchFiles } from './watch-files.ts'

export interface KeepComposedOptions extends ComposeOptions {
  /** What the file was composed of just now; without it, it is composed at once. */
  composed?: ComposedOf
  onReport: (report: Report) => void
  /** Told in one line why a composition could not even begin. */
  onFailure: (line: string) => void
}

export interface ComposedOf extends Sources {
  /** When reading began, in milliseconds. */
  readonly since: number
}

/** Why a composition happens: subgraphs that give their schema themselves are asked now and then. */
type Reason = 'start' | 'a file changed' | 'time to ask again'

/** How often they are asked, in milliseconds. */
const askInterval = 5_000

/**
 * Composes now and after every change, until the returned function is called. Whatever goes
 * wrong is told and waited out.
 */
export async function keepComposed(options: KeepComposedOptions): Promise<() => void> {
  let files: readonly string[] = [resolve(options.config)]
  /** What was wrong the last time: asking again prints only what is new. */
  let told = ''
  let asking: NodeJS.Timeout | undefined
  let stopped = false
  let underWay = Promise.resolve()
  const compose = (reason: Reason): Promise<void> => {
    clearTimeout(asking)
    underWay = underWay.then(() => (stopped ? undefined : composeOnce(reason)))
    return underWay
  }
  const watch = () => watchFiles(files, () => void compose('a file changed'))
  let stopWatching = watch()
  if (options.composed) followSources(options.composed, options.composed.since)
  else await compose('start')

  return () => {
    stopped = true
    clearTimeout(asking)
    stopWatching()
  }

  async function composeOnce(reason: Reason): Promise<void> {
    const startedAt = Date.now()
    try {
      const { report, sources } = await composeToFile(options)
      const wrong = JSON.stringify(report.errors)
      if (reason !== 'time to ask again' || report.outcome === 'composed' || wrong !== told) {
        options.onReport(report)
      }
      told = wrong
      followSources(sources, startedAt)
    } catch (cause) {
      told = failureLine(cause)
      options.onFailure(told)
    }
  }

  function followSources({ files, asked }: Sources, readSince: number): void {
    follow(files, readSince)
    if (asked && !stopped) asking = setTimeout(compose, askInterval, 'time to ask again')
  }

  /** New files are watched from here on; what changed since they were read is a change too. */
  function follow(sources: readonly string[], readSince: number): void {
    if (stopped || sources.join('\n') === files.join('\n')) return
    files = sources
    stopWatching()
    stopWatching = watch()
    if (files.some((file) => modifiedAt(file) >= readSince)) void compose('a file changed')
  }
}

function modifiedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

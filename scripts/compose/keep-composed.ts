/** Composes again whenever an input of the supergraph has changed. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { failureLine } from '../../subgraphs/kit/process/run-process.ts'
import { composeToFile } from './compose-to-file.ts'
import type { ComposeOptions } from './compose-to-file.ts'
import type { Sources } from './compose-supergraph.ts'
import type { Report } from './report.ts'
import { watchFiles } from './watch-files.ts'

export interface KeepComposedOptions extends ComposeOptions {
  /** The inputs of the existing file; without them, it is composed immediately. */
  composed?: ComposedOf
  onReport: (report: Report) => void
  /** Called with one line that says why a composition could not begin. */
  onFailure: (line: string) => void
}

export interface ComposedOf extends Sources {
  /** When reading began, in milliseconds. */
  readonly since: number
}

/** Why a composition happens: running subgraphs are introspected periodically. */
type Reason = 'start' | 'a file changed' | 'time to poll'

/** How often they are introspected, in milliseconds. */
const pollInterval = 5_000

/**
 * Composes now and after every change, until the returned function is called. Errors are reported, and
 * the next change is awaited.
 */
export async function keepComposed(options: KeepComposedOptions): Promise<() => void> {
  let files: readonly string[] = [resolve(options.config)]
  /** The last reported problems: periodic introspection reports only new ones. */
  let reported = ''
  let nextPoll: NodeJS.Timeout | undefined
  let stopped = false
  let underWay = Promise.resolve()
  const compose = (reason: Reason): Promise<void> => {
    clearTimeout(nextPoll)
    underWay = underWay.then(() => (stopped ? undefined : composeOnce(reason)))
    return underWay
  }
  const watch = () => watchFiles(files, () => void compose('a file changed'))
  let stopWatching = watch()
  if (options.composed) followSources(options.composed, options.composed.since)
  else await compose('start')

  return () => {
    stopped = true
    clearTimeout(nextPoll)
    stopWatching()
  }

  async function composeOnce(reason: Reason): Promise<void> {
    const startedAt = Date.now()
    try {
      const { report, sources } = await composeToFile(options)
      const wrong = JSON.stringify(report.errors)
      if (reason !== 'time to poll' || report.outcome === 'composed' || wrong !== reported) {
        options.onReport(report)
      }
      reported = wrong
      followSources(sources, startedAt)
    } catch (cause) {
      reported = failureLine(cause)
      options.onFailure(reported)
    }
  }

  function followSources({ files, introspected }: Sources, readSince: number): void {
    follow(files, readSince)
    if (introspected && !stopped) nextPoll = setTimeout(compose, pollInterval, 'time to poll')
  }

  /** Watches the new files; a change since they were read also counts. */
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

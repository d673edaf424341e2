import { isDatabaseUnavailable } from './database-unavailable.ts'

export interface WaitOptions {
  /** Called with why the database cannot be used yet: at once, and then every five seconds. */
  readonly report: (sentence: string) => void
  /** How long to wait, in milliseconds. */
  readonly limit?: number
}

/** How long to wait for a database at startup, in milliseconds. */
const longestWait = 30_000
const reportPeriod = 5_000
const pause = 500

/** What only a person can correct: classes of SQLSTATE (user or password refused, no such database), the URL. */
const permanent = /^(28|3D)|^ERR_INVALID_URL$/

/**
 * Returns what `open` returns. While the database is not there, or not ready, `open` is called again,
 * until the limit; every other failure is passed on at once.
 */
export async function waitForDatabase<T>(
  open: () => Promise<T>,
  { report, limit = longestWait }: WaitOptions,
): Promise<T> {
  const start = performance.now()
  const elapsed = () => performance.now() - start
  let nextReport = 0
  for (;;) {
    try {
      return await open()
    } catch (cause) {
      if (!isTemporary(cause) || elapsed() + pause > limit) throw cause
      if (elapsed() >= nextReport) {
        const left = Math.round((limit - elapsed()) / 1000)
        report(`${(cause as Error).message} (waiting for it, ${left} s more at most)`)
        nextReport += reportPeriod
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

function isTemporary(cause: unknown): boolean {
  return isDatabaseUnavailable(cause) && !codesOf(cause).some((code) => permanent.test(code))
}

/** The codes of an error and of what caused it. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { code } = error as NodeJS.ErrnoException
  return [...(typeof code === 'string' ? [code] : []), ...codesOf(error.cause)]
}

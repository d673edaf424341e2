/** The operations that were run in this tab, the last first. Variables are left out: they may be passwords. */

const key = 'portcullis.history'
const most = 20

/** Returns what was run before. */
export function readHistory(storage: Pick<Storage, 'getItem'>): readonly string[] {
  try {
    const value: unknown = JSON.parse(storage.getItem(key) ?? '[]')
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  } catch {
    return []
  }
}

/** Returns the history with one more operation, and keeps it until the tab is closed. */
export function withRun(
  history: readonly string[],
  query: string,
  storage: Pick<Storage, 'setItem'>,
): readonly string[] {
  const next = [query, ...history.filter((each) => each !== query)].slice(0, most)
  try {
    storage.setItem(key, JSON.stringify(next))
  } catch {
    // There is no more room: it is kept as long as the page is open.
  }
  return next
}

/** The operations that were run in this tab, the last first. Variables are left out: they may be passwords. */

const key = 'portcullis.history'
const most = 20

/** More is not kept, in characters: a browser gives a tab about five million, and tokens need some of them. */
const mostKept = 500_000

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
  const next = fitting([query, ...history.filter((each) => each !== query)].slice(0, most))
  try {
    storage.setItem(key, JSON.stringify(next))
  } catch {
    // There is no more room: it is kept as long as the page is open.
  }
  return next
}

/** Returns those for which there is room, the first before the others. */
function fitting(queries: readonly string[]): readonly string[] {
  let room = mostKept
  return queries.filter(({ length }) => {
    if (length > room) return false
    room -= length
    return true
  })
}

/**
 * Which tab this is. A browser that duplicates a tab, or opens a page from a page, copies its `sessionStorage` (Storage
 * standard, "legacy-clone a traversable storage shed"), and with it refresh tokens, which are valid once: used in both
 * tabs, they would end the session.
 */

const key = 'portcullis.tab'

/** How long a tab that is being reloaded may take to let go of its name, in milliseconds. */
const patience = 1_000

/**
 * Returns whether what the storage has belongs to this tab, or was copied from another one that is still open. It is
 * so until the page is closed.
 */
export async function claimTab(
  storage: Pick<Storage, 'getItem' | 'setItem'>,
  locks: LockManager,
): Promise<'own' | 'copied'> {
  const name = storage.getItem(key)
  if (name !== null && (await hold(name, locks))) return 'own'
  const fresh = crypto.randomUUID()
  storage.setItem(key, fresh)
  await hold(fresh, locks)
  return name === null ? 'own' : 'copied'
}

/** Returns whether the name could be had. No other page gets it while this one is open. */
function hold(name: string, locks: LockManager): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(patience)
    const untilClosed = () => {
      resolve(true)
      return new Promise<never>(() => {})
    }
    locks.request(`portcullis.tab.${name}`, { signal }, untilClosed).catch(() => resolve(false))
  })
}

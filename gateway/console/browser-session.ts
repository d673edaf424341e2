/** The session whose tokens are in cookies. All tabs of the browser share it; what they know of it is no secret. */

/** Somebody who has logged in through the graph, with tokens in cookies: the same in all tabs. */
export interface InBrowser {
  readonly kind: 'in this browser'
  /** Another one for each login. */
  readonly id: string
  readonly name: string
  /** When the access token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** Why the session has ended, if it has. */
  readonly ended?: string
}

export interface BrowserSession {
  /** Returns the session as the last tab that changed it has left it; undefined if there is none. */
  current(): InBrowser | undefined
  keep(session: InBrowser | undefined): void
  /** Calls the listener when another tab has changed the session. */
  onChange(listener: () => void): void
}

const key = 'portcullis.session'

/** Returns the session that the tabs share by `localStorage`. */
export function browserSession(storage: Storage): BrowserSession {
  return {
    current: () => sessionIn(storage.getItem(key)),
    keep(session) {
      if (session) storage.setItem(key, JSON.stringify(session))
      else storage.removeItem(key)
    },
    onChange(listener) {
      // Without a key, everything has been removed (HTML, section 12.2.4).
      addEventListener('storage', (event) => {
        if (event.key === key || event.key === null) listener()
      })
    },
  }
}

/** Where the gateway reads no cookies, there is never a session in them. */
export const noBrowserSession: BrowserSession = {
  current: () => undefined,
  keep() {},
  onChange() {},
}

function sessionIn(text: string | null): InBrowser | undefined {
  try {
    const value = JSON.parse(text ?? '{}') as Record<string, unknown>
    const { kind, id, name, expiresAt, ended } = value
    if (kind !== 'in this browser' || typeof id !== 'string' || typeof name !== 'string') return
    if (typeof expiresAt !== 'number') return
    return { kind, id, name, expiresAt, ...(typeof ended === 'string' ? { ended } : {}) }
  } catch {
    return undefined
  }
}

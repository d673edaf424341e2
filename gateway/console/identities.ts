/** The identities that the page can ask as: nobody, those who have logged in, and credentials from elsewhere. */

export interface Nobody {
  readonly kind: 'nobody'
  readonly id: string
  readonly name: string
}

/** A token or an API key from elsewhere. */
export interface Pasted {
  readonly kind: 'pasted'
  readonly id: string
  readonly name: string
  readonly credential: string
}

/** Somebody who has logged in through the graph. */
export interface LoggedIn extends Tokens {
  readonly kind: 'logged in'
  readonly id: string
  readonly name: string
  /** Why the session has ended, if it has. */
  readonly ended?: string
}

export interface Tokens {
  readonly accessToken: string
  /** For the next access token, valid once. */
  readonly refreshToken?: string | undefined
  /** When the access token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
}

export type Identity = Nobody | Pasted | LoggedIn

export interface IdentityState {
  readonly identities: readonly Identity[]
  readonly chosen: Identity
}

/** What is kept of the identities until the tab is closed. */
export interface IdentityStore {
  state(): IdentityState
  choose(id: string): void
  /** Adds an identity, and chooses it. */
  add(identity: Identity): void
  replace(identity: Identity): void
  remove(id: string): void
  /** Calls the listener after each change; returns the function that ends this. */
  onChange(listener: () => void): () => void
}

const nobody: Nobody = { kind: 'nobody', id: 'nobody', name: 'nobody' }

/** As many as there are columns for. */
export const mostIdentities = 5

const key = 'portcullis.identities'

/** @param storage of the tab: nothing of it outlives the tab, and no other tab reads it */
export function identityStore(storage: Pick<Storage, 'getItem' | 'setItem'>): IdentityStore {
  let identities: readonly Identity[] = [nobody, ...kept(storage.getItem(key))]
  let chosen: Identity = identities.at(-1)!
  const listeners = new Set<() => void>()

  return {
    state: () => ({ identities, chosen }),
    choose(id) {
      change(identities, id)
    },
    add(identity) {
      const named = { ...identity, name: freeName(identity.name, identities) }
      change([...identities, named].slice(0, mostIdentities), named.id)
    },
    replace(identity) {
      change(
        identities.map((each) => (each.id === identity.id ? identity : each)),
        chosen.id,
      )
    },
    remove(id) {
      change(
        identities.filter((each) => each.id !== id),
        chosen.id,
      )
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  function change(next: readonly Identity[], id: string): void {
    identities = next
    chosen = next.find((each) => each.id === id) ?? nobody
    storage.setItem(key, JSON.stringify(next.filter(({ kind }) => kind !== 'nobody')))
    for (const listener of listeners) listener()
  }
}

/** Two sessions of one account have two names. */
function freeName(name: string, identities: readonly Identity[]): string {
  const taken = (candidate: string) => identities.some((each) => each.name === candidate)
  if (!taken(name)) return name
  for (let number = 2; ; number++) if (!taken(`${name} ${number}`)) return `${name} ${number}`
}

/** Returns what this page kept before; anything else in its place is dropped. */
function kept(text: string | null): readonly Identity[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(value) ? value.filter(isIdentity).slice(0, mostIdentities - 1) : []
  } catch {
    return []
  }
}

function isIdentity(value: unknown): value is Identity {
  if (typeof value !== 'object' || value === null) return false
  const { kind, id, name, credential, accessToken, expiresAt } = value as Record<string, unknown>
  if (typeof id !== 'string' || typeof name !== 'string') return false
  if (kind === 'pasted') return typeof credential === 'string'
  return kind === 'logged in' && typeof accessToken === 'string' && typeof expiresAt === 'number'
}

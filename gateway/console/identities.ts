/** The identities that the page can ask as: nobody, those who have logged in, and credentials from elsewhere. */
import type { BrowserSession, InBrowser } from './browser-session.ts'

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

/** Somebody who has logged in through the graph, with tokens that this tab keeps. */
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

/** All but nobody, who is always there. */
export type AddedIdentity = Pasted | LoggedIn | InBrowser

export type Identity = Nobody | AddedIdentity

export interface IdentityState {
  readonly identities: readonly Identity[]
  readonly chosen: Identity
}

/** What is kept of the identities. */
export interface IdentityStore {
  state(): IdentityState
  /** Returns an identity as it is now, also after another tab has changed it; undefined if it has gone. */
  find(id: string): Identity | undefined
  choose(id: string): void
  /** Adds an identity, and chooses it. */
  add(identity: AddedIdentity): void
  /** Changes an identity, unless it has gone. */
  replace(identity: AddedIdentity): void
  remove(id: string): void
  /** Calls the listener after each change; returns the function that ends this. */
  onChange(listener: () => void): () => void
}

const nobody: Nobody = { kind: 'nobody', id: 'nobody', name: 'nobody' }

/** As many as there are columns for. */
export const mostIdentities = 5

const key = 'portcullis.identities'
const chosenKey = 'portcullis.chosen'

export interface IdentityPlaces {
  /** Of the tab: nothing of it outlives the tab. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  /** Whether the storage was copied from another tab: refresh tokens in it belong to that one. */
  readonly isCopied: boolean
  /** What all tabs share. */
  readonly browser: BrowserSession
}

/** Returns the store, with what was kept before. */
export function identityStore({ storage, isCopied, browser }: IdentityPlaces): IdentityStore {
  let ofTab = kept(storage.getItem(key)).filter(({ kind }) => !isCopied || kind !== 'logged in')
  let state = stateWith(storage.getItem(chosenKey) ?? all().at(-1)!.id)
  const listeners = new Set<() => void>()
  keepOfTab()
  browser.onChange(() => change(state.chosen.id))

  return {
    state: () => state,
    find: (id) => all().find((each) => each.id === id),
    choose: change,
    add(identity) {
      const isShared = identity.kind === 'in this browser'
      // It takes the place of one that has ended.
      const others = isShared ? [nobody, ...ofTab] : all()
      const named = { ...identity, name: freeName(identity.name, others) }
      if (named.kind === 'in this browser') browser.keep(named)
      else ofTab = [...ofTab, named]
      change(named.id)
    },
    replace(identity) {
      // Another tab may have logged it out meanwhile.
      if (!all().some(({ id }) => id === identity.id)) return
      if (identity.kind === 'in this browser') browser.keep(identity)
      else ofTab = ofTab.map((each) => (each.id === identity.id ? identity : each))
      change(state.chosen.id)
    },
    remove(id) {
      if (browser.current()?.id === id) browser.keep(undefined)
      ofTab = ofTab.filter((each) => each.id !== id)
      change(state.chosen.id)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  function all(): readonly Identity[] {
    const session = browser.current()
    return [nobody, ...(session ? [session] : []), ...ofTab]
  }

  /** Of one that has gone, nobody takes the place: no other login may answer under its name. */
  function stateWith(id: string): IdentityState {
    const identities = all()
    return { identities, chosen: identities.find((each) => each.id === id) ?? nobody }
  }

  function change(id: string): void {
    state = stateWith(id)
    keepOfTab()
    for (const listener of listeners) listener()
  }

  function keepOfTab(): void {
    try {
      storage.setItem(key, JSON.stringify(ofTab))
      storage.setItem(chosenKey, state.chosen.id)
    } catch {
      // There is no more room. After a reload, used refresh tokens would end the sessions: better none.
      storage.removeItem(key)
    }
  }
}

/** Two sessions of one account have two names. */
function freeName(name: string, identities: readonly Identity[]): string {
  const taken = (candidate: string) => identities.some((each) => each.name === candidate)
  if (!taken(name)) return name
  for (let number = 2; ; number++) if (!taken(`${name} ${number}`)) return `${name} ${number}`
}

/** Returns what this page kept before; anything else in its place is dropped. */
function kept(text: string | null): readonly (Pasted | LoggedIn)[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(value) ? value.filter(isOfTab).slice(0, mostIdentities - 1) : []
  } catch {
    return []
  }
}

function isOfTab(value: unknown): value is Pasted | LoggedIn {
  if (typeof value !== 'object' || value === null) return false
  const { kind, id, name, credential, accessToken, expiresAt } = value as Record<string, unknown>
  if (typeof id !== 'string' || typeof name !== 'string') return false
  if (kind === 'pasted') return typeof credential === 'string'
  return kind === 'logged in' && typeof accessToken === 'string' && typeof expiresAt === 'number'
}

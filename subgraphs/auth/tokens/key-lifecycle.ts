/** Creates, rotates and retires signing keys; any number of processes may do so concurrently. */
import type { AuthDatabase } from '../database.ts'
import type { KeyEncryption } from './key-encryption.ts'
import { keyStates } from './key-states.ts'
import type { KeyWithState } from './key-states.ts'
import { makeKey } from './make-key.ts'
import type { SigningAlgorithm } from './make-key.ts'

export interface KeyLifecycleOptions {
  database: AuthDatabase
  encryption: KeyEncryption
  algorithm: SigningAlgorithm
  /** How long a key signs before the next one takes over, in milliseconds. */
  rotationPeriod: number
  /** How long a token may be in use after its key has stopped signing, in milliseconds. */
  outlived: number
  now: () => number
}

export type KeyOutcome =
  | { outcome: 'done'; key: string }
  | { outcome: 'unknown key' }
  /** The signing key can be rotated or revoked, but not retired. */
  | { outcome: 'signing' }
  | { outcome: 'already' }

export interface KeyLifecycle {
  list(): Promise<KeyWithState[]>
  /** Creates the missing keys: one that signs, and one that is published to follow it. */
  provide(): Promise<void>
  /** Lets the next key sign as soon as every gateway can have it. Returns when that is. */
  rotate(): Promise<{ key: string; signsFrom: number }>
  /** Stops publishing an outgoing or next key. */
  retire(id: string): Promise<KeyOutcome>
  /** The key was stolen: its tokens are refused, and the next key signs immediately. */
  revoke(id: string): Promise<KeyOutcome>
}

/** How long a key set may be cached, in seconds. A new key is published well before it signs. */
export const jwksCacheLifetime = 300

/** By then, a gateway that fetched the key set just before a key was added has fetched it again. */
export const publishedAhead = 2 * jwksCacheLifetime * 1000

/** For every clock. */
const immediately = 0

export function keyLifecycle(options: KeyLifecycleOptions): KeyLifecycle {
  const { database, encryption, algorithm, rotationPeriod, outlived, now } = options

  return {
    list,
    provide,

    async rotate() {
      await provide()
      const keys = await list()
      const next = keys.find(({ state }) => state === 'next')
      if (next && next.row.algorithm === algorithm) {
        const signsFrom = Math.max(now(), next.row.created_at + publishedAhead)
        await setSignsFrom(next.row.id, signsFrom)
        await provide()
        return { key: next.row.id, signsFrom }
      }
      // A next key of another algorithm: it has not signed anything yet.
      if (next) await remove(next.row.id)
      const signsFrom = now() + publishedAhead
      await add(highestGeneration(keys) + 1, signsFrom)
      await provide()
      const added = (await list()).find(({ row }) => row.signs_from === signsFrom)
      return { key: added?.row.id ?? '', signsFrom }
    },

    async retire(id) {
      const key = (await list()).find(({ row }) => row.id === id)
      if (!key) return { outcome: 'unknown key' }
      if (key.state === 'signing') return { outcome: 'signing' }
      if (key.state === 'retired' || key.state === 'revoked') return { outcome: 'already' }
      if (key.state === 'next') await remove(id)
      else await update(id, { retires_at: now() })
      await provide()
      return { outcome: 'done', key: id }
    },

    async revoke(id) {
      const keys = await list()
      const key = keys.find(({ row }) => row.id === id)
      if (!key) return { outcome: 'unknown key' }
      if (key.state === 'revoked') return { outcome: 'already' }
      const successor = keys.find(({ state }) => state === 'next')
      await update(id, { revoked_at: now(), private_jwk: '' })
      if (key.state === 'signing' && successor) await setSignsFrom(successor.row.id, now())
      await provide()
      return { outcome: 'done', key: id }
    },
  }

  async function list(): Promise<KeyWithState[]> {
    const rows = await database.selectFrom('auth_signing_keys').selectAll().execute()
    return keyStates(rows, now(), outlived)
  }

  async function provide(): Promise<void> {
    const keys = await list()
    if (!keys.some(({ state }) => state === 'signing')) {
      await add(highestGeneration(keys) + 1, immediately)
      return provide()
    }
    if (!keys.some(({ state }) => state === 'next')) {
      const signing = keys.find(({ state }) => state === 'signing')!
      const due = Math.max(signing.row.signs_from, signing.row.created_at) + rotationPeriod
      await add(highestGeneration(keys) + 1, Math.max(due, now() + publishedAhead))
    }
    await forgetRetired(keys)
  }

  /** Does nothing if another process has created that generation. */
  async function add(generation: number, signsFrom: number): Promise<void> {
    const key = await makeKey(algorithm, encryption)
    await database
      .insertInto('auth_signing_keys')
      .values({
        id: key.id,
        generation,
        algorithm: key.algorithm,
        public_jwk: key.publicJwk,
        private_jwk: key.privateJwk,
        created_at: now(),
        signs_from: signsFrom,
        retires_at: null,
        revoked_at: null,
      })
      .onConflict((conflict) => conflict.column('generation').doNothing())
      .execute()
  }

  /** A key that no longer signs needs no private part, which could be stolen. */
  async function forgetRetired(keys: readonly KeyWithState[]): Promise<void> {
    for (const { row, state } of keys) {
      if (state === 'retired' && row.private_jwk !== '') await update(row.id, { private_jwk: '' })
    }
  }

  async function setSignsFrom(id: string, signsFrom: number): Promise<void> {
    await update(id, { signs_from: signsFrom })
  }

  async function update(
    id: string,
    change:
      | { signs_from: number }
      | { retires_at: number }
      | { revoked_at: number; private_jwk: string }
      | { private_jwk: string },
  ): Promise<void> {
    await database.updateTable('auth_signing_keys').set(change).where('id', '=', id).execute()
  }

  async function remove(id: string): Promise<void> {
    await database.deleteFrom('auth_signing_keys').where('id', '=', id).execute()
  }
}

function highestGeneration(keys: readonly KeyWithState[]): number {
  return Math.max(0, ...keys.map(({ row }) => row.generation))
}

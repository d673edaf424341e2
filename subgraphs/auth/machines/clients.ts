/** OAuth clients that log in by themselves (RFC 6749 section 4.4): each has an id and a secret. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Selectable } from 'kysely'
import { isAfter, pageOf } from '../administration/page.ts'
import type { Page, PageRequest } from '../administration/page.ts'
import type { AuthDatabase, ClientsTable } from '../database.ts'

export interface Client {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly disabled: boolean
  readonly createdAt: number
  /** The `gen` of its access tokens. */
  readonly generation: number
}

export interface Clients {
  /** Returns the client and its secret, which is shown only once. */
  add(
    name: string,
    scopes: readonly string[],
    transaction?: AuthDatabase,
  ): Promise<{ client: Client; secret: string }>
  /** Returns the client if the secret is right and the client is not disabled. */
  authenticate(id: string, secret: string): Promise<Client | undefined>
  find(id: string): Promise<Client | undefined>
  /** Returns a page of all clients, the oldest first. */
  page(request: PageRequest): Promise<Page<Client>>
  /** Returns undefined if there is no such client. */
  disable(id: string, transaction?: AuthDatabase): Promise<Client | undefined>
}

/** So that the subject of a client is never that of a user. */
export const clientIdPrefix = 'client_'

export function clientStore(database: AuthDatabase, now: () => number): Clients {
  return {
    async add(name, scopes, transaction = database) {
      const secret = randomBytes(32).toString('base64url')
      const row = await transaction
        .insertInto('auth_clients')
        .values({
          id: clientIdPrefix + randomBytes(16).toString('base64url'),
          name,
          // The secret is random and long: even a fast hash does not make it guessable.
          secret_hash: hashOf(secret),
          scope: [...new Set(scopes)].join(' '),
          created_at: now(),
          disabled_at: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return { client: clientOf(row), secret }
    },

    async authenticate(id, secret) {
      const row = await database
        .selectFrom('auth_clients')
        .selectAll()
        .where('id', '=', id)
        .where('disabled_at', 'is', null)
        .executeTakeFirst()
      const matches = isEqual(hashOf(secret), row?.secret_hash ?? hashOf(''))
      return row && matches ? clientOf(row) : undefined
    },

    async find(id) {
      const row = await database
        .selectFrom('auth_clients')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row && clientOf(row)
    },

    async page({ first, after }) {
      let query = database
        .selectFrom('auth_clients')
        .selectAll()
        .orderBy('created_at')
        .orderBy('id')
        .limit(first + 1)
      if (after) query = query.where(isAfter('created_at', 'oldest first', after))
      const position = ({ created_at: at, id }: Selectable<ClientsTable>) => ({ at, id })
      return pageOf(await query.execute(), first, position, clientOf)
    },

    async disable(id, transaction = database) {
      const row = await transaction
        .updateTable('auth_clients')
        .set({ disabled_at: now() })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return row && clientOf(row)
    },
  }
}

function clientOf(row: Selectable<ClientsTable>): Client {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scope.split(' ').filter(Boolean),
    disabled: row.disabled_at !== null,
    createdAt: row.created_at,
    generation: row.generation,
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function isEqual(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

import type { Selectable } from 'kysely'
import type { AccountsTable, AuthDatabase } from '../database.ts'
import { scopesOf } from './roles.ts'
import type { Roles } from './roles.ts'
import type { Username } from './username.ts'

export interface Account {
  readonly id: string
  /** In its canonical form. */
  readonly username: string
  readonly name: string
  readonly email: string | null
  /** Whether the address is known to be theirs; another person may have entered it. */
  readonly emailVerified: boolean
  readonly roles: readonly string[]
  /** Those of its roles, and its own. */
  readonly scopes: readonly string[]
  readonly passwordHash: string
  /** Whether an administrator has closed it: it cannot log in. */
  readonly disabled: boolean
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** How often all its access tokens were revoked: the `gen` of those issued now. */
  readonly generation: number
  /** How often its password was changed. */
  readonly passwordGeneration: number
}

export interface NewAccount {
  id: string
  username: Username
  name: string
  email: string | null
  /** Default: false. */
  emailVerified?: boolean
  roles: readonly string[]
  passwordHash: string
}

export interface Accounts {
  find(id: string, transaction?: AuthDatabase): Promise<Account | undefined>
  /** The same, with a lock: until the transaction ends, no other changes the account or its sessions. */
  lock(id: string, transaction: AuthDatabase): Promise<Account | undefined>
  /** @param username in its canonical form */
  findByUsername(username: string): Promise<Account | undefined>
  /** Returns false if the id, the username or a similar-looking username is taken. */
  add(account: NewAccount, transaction?: AuthDatabase): Promise<boolean>
  setPassword(id: string, passwordHash: string, transaction?: AuthDatabase): Promise<void>
  /** Replaces a hash by a better one of the same password, unless the password was changed since. */
  rehash(id: string, former: string, passwordHash: string): Promise<void>
}

export function accountStore(database: AuthDatabase, roles: Roles, now: () => number): Accounts {
  return {
    async find(id, transaction = database) {
      const row = await transaction
        .selectFrom('auth_accounts')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row && accountOf(row, roles)
    },

    async lock(id, transaction) {
      // An update that changes nothing: not every database supports `select for update`.
      const row = await transaction
        .updateTable('auth_accounts')
        .set((column) => ({ generation: column.ref('generation') }))
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return row && accountOf(row, roles)
    },

    async findByUsername(username) {
      const row = await database
        .selectFrom('auth_accounts')
        .selectAll()
        .where('username', '=', username)
        .executeTakeFirst()
      return row && accountOf(row, roles)
    },

    async add(account, transaction = database) {
      const { id, username, name, email, emailVerified = false, roles, passwordHash } = account
      const added = await transaction
        .insertInto('auth_accounts')
        .values({
          id,
          username: username.canonical,
          skeleton: username.skeleton,
          name,
          email,
          email_verified_at: email !== null && emailVerified ? now() : null,
          roles: roles.join(' '),
          scope: '',
          password_hash: passwordHash,
          created_at: now(),
          disabled_at: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      return added !== undefined
    },

    async setPassword(id, passwordHash, transaction = database) {
      await transaction
        .updateTable('auth_accounts')
        .set((column) => ({
          password_hash: passwordHash,
          password_generation: column('password_generation', '+', 1),
        }))
        .where('id', '=', id)
        .execute()
    },

    async rehash(id, former, passwordHash) {
      await database
        .updateTable('auth_accounts')
        .set({ password_hash: passwordHash })
        .where('id', '=', id)
        .where('password_hash', '=', former)
        .execute()
    },
  }
}

export function accountOf(row: Selectable<AccountsTable>, roles: Roles): Account {
  const { id, username, name, email } = row
  const held = words(row.roles)
  return {
    id,
    username,
    name,
    email,
    emailVerified: email !== null && row.email_verified_at !== null,
    roles: held,
    scopes: scopesOf(roles, held, words(row.scope)),
    passwordHash: row.password_hash,
    disabled: row.disabled_at !== null,
    createdAt: row.created_at,
    generation: row.generation,
    passwordGeneration: row.password_generation,
  }
}

function words(text: string): string[] {
  return text.split(' ').filter(Boolean)
}

/** Returns the address of an account for others: undefined while it is not verified. */
export function verifiedEmail({ email, emailVerified }: Account): string | null {
  return emailVerified ? email : null
}

import type { AccountsTable, AuthDatabase } from '../database.ts'

export interface Account {
  readonly id: string
  readonly name: string
  /** Space separated. */
  readonly scope: string
  readonly passwordHash: string
}

export interface NewAccount extends Account {
  readonly username: string
}

export interface Accounts {
  findByUsername(username: string): Promise<Account | undefined>
  /** Returns false when the id or the username is taken. */
  add(account: NewAccount): Promise<boolean>
}

export function accountOf(row: AccountsTable): Account {
  const { id, name, scope } = row
  return { id, name, scope, passwordHash: row.password_hash }
}

export function accountStore(database: AuthDatabase, now: () => number): Accounts {
  return {
    async findByUsername(username) {
      const row = await database
        .selectFrom('auth_accounts')
        .selectAll()
        .where('username', '=', username)
        .executeTakeFirst()
      return row && accountOf(row)
    },

    async add({ id, username, name, scope, passwordHash }) {
      const added = await database
        .insertInto('auth_accounts')
        .values({
          id,
          username,
          name,
          scope,
          password_hash: passwordHash,
          created_at: now(),
          disabled_at: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      return added !== undefined
    },
  }
}

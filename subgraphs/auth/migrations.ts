/** How the tables came to be. A migration that was released is never changed: add another. */
import type { Migrations } from '../storage/migrate.ts'

export const migrations: Migrations = {
  '001 accounts, sessions and signing keys': {
    async up(database) {
      await database.schema
        .createTable('auth_accounts')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('username', 'text', (column) => column.notNull().unique())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('scope', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()

      await database.schema
        .createTable('auth_sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('auth_accounts.id').onDelete('cascade'),
        )
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()

      await database.schema
        .createIndex('auth_sessions_account')
        .on('auth_sessions')
        .column('account_id')
        .execute()

      await database.schema
        .createTable('auth_signing_keys')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('generation', 'bigint', (column) => column.notNull().unique())
        .addColumn('algorithm', 'text', (column) => column.notNull())
        .addColumn('public_jwk', 'text', (column) => column.notNull())
        .addColumn('private_jwk', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('signs_from', 'bigint', (column) => column.notNull())
        .addColumn('retires_at', 'bigint')
        .addColumn('revoked_at', 'bigint')
        .execute()
    },
  },
}

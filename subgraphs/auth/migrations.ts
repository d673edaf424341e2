/** The migrations of the tables. A released migration is never changed: add another. */
import { randomBytes } from 'node:crypto'
import { PostgresAdapter, sql } from 'kysely'
import type { Kysely } from 'kysely'
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

  '002 refresh tokens, revocation and audit': {
    async up(database) {
      await database.schema.alterTable('auth_accounts').addColumn('disabled_at', 'bigint').execute()

      // The new table has the columns for refreshing and revoking. Sessions of the old one end.
      await database.schema.dropTable('auth_sessions').execute()
      await database.schema
        .createTable('auth_sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('auth_accounts.id').onDelete('cascade'),
        )
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('last_used_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('access_expires_at', 'bigint', (column) => column.notNull())
        .addColumn('refresh_generation', 'bigint', (column) => column.notNull())
        .addColumn('address', 'text')
        .addColumn('agent', 'text')
        .addColumn('status_index', 'bigint', (column) => column.notNull().unique())
        .addColumn('revoked_at', 'bigint')
        .execute()
      await index(database, 'auth_sessions', 'account_id')
      await index(database, 'auth_sessions', 'expires_at')
      await index(database, 'auth_sessions', 'revoked_at')

      await database.schema
        .createTable('auth_refresh_tokens')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('session_id', 'text', (column) =>
          column.notNull().references('auth_sessions.id').onDelete('cascade'),
        )
        .addColumn('generation', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('used_at', 'bigint')
        .execute()
      await index(database, 'auth_refresh_tokens', 'session_id')

      await database.schema
        .createTable('auth_counters')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'bigint', (column) => column.notNull())
        .execute()
      await database
        .insertInto('auth_counters')
        .values({ name: 'status index', value: 0 })
        .execute()

      await database.schema
        .createTable('auth_subject_cut_offs')
        .addColumn('subject', 'text', (column) => column.primaryKey())
        .addColumn('issued_before', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()

      await database.schema
        .createTable('auth_audit')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('event', 'text', (column) => column.notNull())
        .addColumn('account_id', 'text')
        .addColumn('session_id', 'text')
        .addColumn('address', 'text')
        .addColumn('username_hash', 'text')
        .execute()
      await index(database, 'auth_audit', 'at')
    },
  },

  '003 sign-up and password resets': {
    async up(database) {
      await database.schema.alterTable('auth_accounts').addColumn('email', 'text').execute()
      await database.schema.alterTable('auth_accounts').addColumn('skeleton', 'text').execute()
      await sql`update auth_accounts set skeleton = username`.execute(database)
      await database.schema
        .createIndex('auth_accounts_skeleton')
        .unique()
        .on('auth_accounts')
        .column('skeleton')
        .execute()

      await database.schema
        .createTable('auth_password_resets')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('auth_accounts.id').onDelete('cascade'),
        )
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
      await index(database, 'auth_password_resets', 'account_id')
    },
  },

  '004 throttles and known devices': {
    async up(database) {
      await database.schema
        .createTable('auth_throttles')
        .addColumn('key', 'text', (column) => column.primaryKey())
        .addColumn('attempts', 'bigint', (column) => column.notNull())
        .addColumn('failures', 'bigint', (column) => column.notNull())
        .addColumn('blocked_until', 'bigint', (column) => column.notNull())
        .addColumn('pending', 'bigint', (column) => column.notNull())
        .addColumn('pending_until', 'bigint', (column) => column.notNull())
        .addColumn('admission', 'bigint', (column) => column.notNull())
        .addColumn('used_at', 'bigint', (column) => column.notNull())
        .execute()
      await index(database, 'auth_throttles', 'used_at')

      await database.schema
        .createTable('auth_devices')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('auth_accounts.id').onDelete('cascade'),
        )
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
      await index(database, 'auth_devices', 'expires_at')
    },
  },

  '005 roles, and who did what': {
    async up(database) {
      await database.schema
        .alterTable('auth_accounts')
        .addColumn('roles', 'text', (column) => column.notNull().defaultTo('user'))
        .execute()
      await database.schema.alterTable('auth_audit').addColumn('actor_id', 'text').execute()
      await index(database, 'auth_audit', 'account_id')
      await index(database, 'auth_accounts', 'created_at')
    },
  },

  '006 clients and API keys': {
    async up(database) {
      await database.schema
        .createTable('auth_clients')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('secret_hash', 'text', (column) => column.notNull())
        .addColumn('scope', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('disabled_at', 'bigint')
        .execute()

      await database.schema
        .createTable('auth_api_keys')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('hash', 'text', (column) => column.notNull().unique())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('auth_accounts.id').onDelete('cascade'),
        )
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('scope', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('last_used_at', 'bigint')
        .addColumn('access_expires_at', 'bigint', (column) => column.notNull())
        .addColumn('status_index', 'bigint', (column) => column.notNull().unique())
        .addColumn('revoked_at', 'bigint')
        .execute()
      await index(database, 'auth_api_keys', 'account_id')
      await index(database, 'auth_api_keys', 'revoked_at')
    },
  },

  '007 second factors': {
    async up(database) {
      await database.schema
        .alterTable('auth_sessions')
        .addColumn('level', 'text', (column) => column.notNull().defaultTo('aal1'))
        .execute()
      await database.schema
        .alterTable('auth_sessions')
        .addColumn('methods', 'text', (column) => column.notNull().defaultTo('pwd'))
        .execute()

      await database.schema
        .createTable('auth_totp')
        .addColumn('account_id', 'text', (column) =>
          column.primaryKey().references('auth_accounts.id').onDelete('cascade'),
        )
        .addColumn('secret', 'text', (column) => column.notNull())
        .addColumn('confirmed_at', 'bigint')
        .addColumn('last_step', 'bigint', (column) => column.notNull())
        .execute()
      await database.schema
        .createTable('auth_recovery_codes')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('auth_accounts.id').onDelete('cascade'),
        )
        .execute()
      await index(database, 'auth_recovery_codes', 'account_id')
    },
  },

  '008 passkeys': {
    async up(database) {
      await database.schema
        .createTable('auth_passkeys')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('auth_accounts.id').onDelete('cascade'),
        )
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('public_key', 'text', (column) => column.notNull())
        .addColumn('counter', 'bigint', (column) => column.notNull())
        .addColumn('transports', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('last_used_at', 'bigint')
        .execute()
      await index(database, 'auth_passkeys', 'account_id')

      await database.schema
        .createTable('auth_challenges')
        .addColumn('challenge', 'text', (column) => column.primaryKey())
        .addColumn('purpose', 'text', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
      await index(database, 'auth_challenges', 'expires_at')
    },
  },

  '009 devices by account': {
    async up(database) {
      await index(database, 'auth_devices', 'account_id')
    },
  },

  '010 append-only audit trail': {
    async up(database) {
      const isPostgres = database.getExecutor().adapter instanceof PostgresAdapter
      const refusal = sql.lit('the audit trail is append-only')
      if (isPostgres) {
        await sql`create function auth_audit_is_append_only() returns trigger language plpgsql
          as $$ begin raise exception ${refusal}; end $$`.execute(database)
        await sql`create trigger auth_audit_append_only before update or delete or truncate on auth_audit
          for each statement execute function auth_audit_is_append_only()`.execute(database)
        return
      }
      for (const change of ['update', 'delete']) {
        await sql`create trigger ${sql.ref(`auth_audit_no_${change}`)} before ${sql.raw(change)} on auth_audit
          begin select raise(abort, ${refusal}); end`.execute(database)
      }
    },
  },

  '011 generations of tokens': {
    async up(database) {
      for (const table of ['auth_accounts', 'auth_clients']) {
        await database.schema
          .alterTable(table)
          .addColumn('generation', 'bigint', (column) => column.notNull().defaultTo(0))
          .execute()
      }
      await database.schema
        .alterTable('auth_accounts')
        .addColumn('password_generation', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute()
      await database.schema
        .alterTable('auth_subject_cut_offs')
        .addColumn('generation', 'bigint')
        .execute()
    },
  },

  '012 replaced refresh tokens': {
    async up(database) {
      await database.schema
        .alterTable('auth_refresh_tokens')
        .addColumn('replaced_at', 'bigint')
        .execute()
    },
  },

  '013 verified e-mail addresses': {
    async up(database) {
      await database.schema
        .alterTable('auth_accounts')
        .addColumn('email_verified_at', 'bigint')
        .execute()
      // The development account's address: a reserved domain without mailboxes.
      await sql`update auth_accounts set email_verified_at = created_at
        where id = '1' and username = 'alice' and email = 'alice@example.com'`.execute(database)
    },
  },

  '014 changes of sessions': {
    async up(database) {
      await database.schema
        .alterTable('auth_sessions')
        .addColumn('changed_at', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute()
      await database.schema.alterTable('auth_sessions').addColumn('ended_by', 'text').execute()
      // It finds the sessions of an account as well: as many indexes as before.
      await database.schema
        .createIndex('auth_sessions_account_id_changed_at')
        .on('auth_sessions')
        .columns(['account_id', 'changed_at'])
        .execute()
      await database.schema.dropIndex('auth_sessions_account_id').execute()
    },
  },

  '015 secrets that are never rotated': {
    async up(database) {
      await database.schema
        .createTable('auth_lasting_secrets')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('secret', 'text', (column) => column.notNull())
        .execute()
      await database
        .insertInto('auth_lasting_secrets')
        .values({ name: 'passkey decoys', secret: randomBytes(32).toString('base64url') })
        .execute()
    },
  },
}

async function index(database: Kysely<any>, table: string, column: string): Promise<void> {
  await database.schema.createIndex(`${table}_${column}`).on(table).column(column).execute()
}

/** The tables of the auth subgraph. Times are milliseconds since the epoch, unless a name says otherwise. */
import type { Generated, Kysely } from 'kysely'
import { StartFailure } from '../kit/process/start-failure.ts'
import { DatabaseFailure } from '../storage/database-failure.ts'
import { openMigrated } from '../storage/open-migrated.ts'
import { migrations } from './migrations.ts'

export interface AccountsTable {
  id: string
  /** The one canonical form, which is unique. */
  username: string
  /** Equal for usernames that look alike: unique, too. */
  skeleton: string
  name: string
  email: string | null
  /** Null while the address is not verified. */
  email_verified_at: number | null
  /** A PHC string: `$argon2id$v=19$m=...`, or a bcrypt hash that was imported. */
  password_hash: string
  /** Space separated. */
  roles: string
  /** Scopes in addition to those of the roles, space separated. */
  scope: string
  created_at: number
  /** Since when it cannot log in or refresh. */
  disabled_at: number | null
  /** How often all its access tokens were revoked: the `gen` of the next ones. */
  generation: Generated<number>
  /** How often its password was changed. */
  password_generation: Generated<number>
}

export interface SessionsTable {
  /** The `sid`. */
  id: string
  account_id: string
  created_at: number
  last_used_at: number
  expires_at: number
  /** When the last access token of the session expires. */
  access_expires_at: number
  /** Of the refresh token that is valid now. */
  refresh_generation: number
  address: string | null
  agent: string | null
  /** How the user logged in: see authentication-strength.ts. Methods are space separated. */
  level: string
  methods: string
  /** The index of the session's access tokens in the status lists, counted over all lists. */
  status_index: number
  revoked_at: number | null
  /** When it was started, refreshed or revoked last; 0 if an earlier version of auth did that. */
  changed_at: Generated<number>
  /** What revoked it, in the words of session-end.ts; null if an earlier version of auth did that. */
  ended_by: string | null
}

export interface RefreshTokensTable {
  /** SHA-256 of the token. */
  hash: string
  session_id: string
  /** 1, 2, 3 ... within the session. */
  generation: number
  expires_at: number
  used_at: number | null
  /** When another token of its generation replaced it, because it seemed to be lost. */
  replaced_at: number | null
}

export interface PasswordResetsTable {
  /** SHA-256 of the token. */
  hash: string
  account_id: string
  expires_at: number
}

export interface DevicesTable {
  /** SHA-256 of the token. */
  hash: string
  account_id: string
  expires_at: number
}

export interface ThrottlesTable {
  key: string
  /** All attempts. */
  attempts: number
  /** Consecutive failures. */
  failures: number
  /** Attempts in progress, and until when their outcome is awaited. */
  pending: number
  pending_until: number
  /** Until when no attempt is allowed; for a window, when it ends. */
  blocked_until: number
  /** The decision about the last attempt: 0 refused, 1 allowed, 2 has to wait for others. */
  admission: number
  used_at: number
}

export interface TotpTable {
  account_id: string
  /** Encrypted: see key-encryption.ts. */
  secret: string
  /** Null until a first code was accepted. */
  confirmed_at: number | null
  /** The step of the last code that was accepted. */
  last_step: number
}

export interface RecoveryCodesTable {
  /** Keyed hash of the code. */
  hash: string
  account_id: string
}

export interface PasskeysTable {
  /** The credential id that the device chose. */
  id: string
  account_id: string
  /** The name that its owner gave it. */
  name: string
  /** COSE, as base64url. */
  public_key: string
  /** The signature counter of the device; 0 if it has none. */
  counter: number
  /** Space separated. */
  transports: string
  created_at: number
  last_used_at: number | null
}

export interface ChallengesTable {
  challenge: string
  purpose: string
  expires_at: number
}

export interface ClientsTable {
  /** The `client_id`. */
  id: string
  name: string
  /** SHA-256 of the secret. */
  secret_hash: string
  /** Space separated. */
  scope: string
  created_at: number
  disabled_at: number | null
  /** As for accounts. */
  generation: Generated<number>
}

export interface ApiKeysTable {
  id: string
  /** SHA-256 of the key. */
  hash: string
  account_id: string
  name: string
  /** Space separated. */
  scope: string
  created_at: number
  expires_at: number
  last_used_at: number | null
  /** As for sessions. */
  access_expires_at: number
  status_index: number
  revoked_at: number | null
}

export interface CountersTable {
  name: 'status index'
  value: number
}

/** What has to stay as it is when KEY_ENCRYPTION_SECRET changes. It hides nothing from those who have the database. */
export interface LastingSecretsTable {
  name: 'passkey decoys'
  secret: string
}

export interface SubjectNotBeforeTable {
  subject: string
  /** In seconds, for gateways without support for generations: refuses tokens with an earlier `iat`. */
  issued_before: number
  /** Tokens of an earlier generation are refused; null in entries of earlier versions of auth. */
  generation: number | null
  expires_at: number
}

export interface AuditTable {
  id: string
  at: number
  event: string
  account_id: string | null
  /** The administrator who performed the action. */
  actor_id: string | null
  session_id: string | null
  address: string | null
  username_hash: string | null
}

export interface SigningKeysTable {
  /** The `kid`. */
  id: string
  /** 1, 2, 3 ...: the process that inserts a generation first wins. */
  generation: number
  algorithm: string
  public_jwk: string
  /** Encrypted: see key-encryption.ts. */
  private_jwk: string
  created_at: number
  /** Published earlier, so that every gateway has it when the first signature appears. */
  signs_from: number
  /** Published until then; null while its successor is not known. */
  retires_at: number | null
  revoked_at: number | null
}

export interface AuthTables {
  auth_accounts: AccountsTable
  auth_sessions: SessionsTable
  auth_signing_keys: SigningKeysTable
  auth_refresh_tokens: RefreshTokensTable
  auth_password_resets: PasswordResetsTable
  auth_devices: DevicesTable
  auth_throttles: ThrottlesTable
  auth_totp: TotpTable
  auth_recovery_codes: RecoveryCodesTable
  auth_passkeys: PasskeysTable
  auth_challenges: ChallengesTable
  auth_clients: ClientsTable
  auth_api_keys: ApiKeysTable
  auth_counters: CountersTable
  auth_lasting_secrets: LastingSecretsTable
  auth_subject_cut_offs: SubjectNotBeforeTable
  auth_audit: AuditTable
}

export type AuthDatabase = Kysely<AuthTables>

/** Returns the database with its tables up to date; throws a StartFailure with the reason if it cannot. */
export async function openAuthDatabase(url: string): Promise<AuthDatabase> {
  try {
    return await openMigrated<AuthTables>(url, 'auth', migrations)
  } catch (cause) {
    if (cause instanceof DatabaseFailure) throw new StartFailure(cause.message, { cause })
    throw cause
  }
}

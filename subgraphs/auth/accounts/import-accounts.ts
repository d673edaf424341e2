/** Accounts from elsewhere, with their password hashes: argon2 and bcrypt, replaced at first login. */
import { randomUUID } from 'node:crypto'
import { isPasswordHash } from '../passwords/hashing.ts'
import type { Accounts } from './accounts.ts'
import { emailProblems } from './email.ts'
import { ordinaryRole } from './roles.ts'
import type { Roles } from './roles.ts'
import { readNewUsername } from './username.ts'

export type ImportOutcome =
  { outcome: 'imported' } | { outcome: 'taken' } | { outcome: 'refused'; reason: string }

export type ImportAccount = (line: string) => Promise<ImportOutcome>

/**
 * Returns a function that imports one line of JSON:
 * `{ "username", "passwordHash", "id"?, "name"?, "email"?, "emailVerified"?, "roles"? }`.
 */
export function accountImporter(accounts: Accounts, roles: Roles): ImportAccount {
  return async (line) => {
    const record = readRecord(line)
    if (!record) return refused('not a JSON object')
    const { username: typed, passwordHash, id, name, email: typedEmail, roles: held } = record
    const { emailVerified = false } = record
    const email = typeof typedEmail === 'string' ? typedEmail.trim() : typedEmail
    if (typeof typed !== 'string') return refused('no username')
    const username = readNewUsername(typed)
    if (Array.isArray(username)) return refused(`username: ${username[0]?.message}`)
    if (typeof passwordHash !== 'string' || !isPasswordHash(passwordHash)) {
      return refused('passwordHash is neither argon2 nor bcrypt')
    }
    if (!isOptionalText(id) || !isOptionalText(name) || !isOptionalText(email)) {
      return refused('id, name and email are texts')
    }
    if (emailProblems(email).length > 0) return refused('email is not an address')
    if (typeof emailVerified !== 'boolean') return refused('emailVerified is true or false')
    if (!areRoles(held, roles)) return refused('roles is not a list of known roles')

    const added = await accounts.add({
      id: id ?? randomUUID(),
      username,
      name: name ?? typed.trim(),
      email: email ?? null,
      emailVerified,
      roles: held ?? [ordinaryRole],
      passwordHash,
    })
    return added ? { outcome: 'imported' } : { outcome: 'taken' }
  }
}

function readRecord(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function refused(reason: string): ImportOutcome {
  return { outcome: 'refused', reason }
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '')
}

function areRoles(value: unknown, roles: Roles): value is string[] | undefined {
  if (value === undefined) return true
  return Array.isArray(value) && value.every((role) => Object.hasOwn(roles, role))
}

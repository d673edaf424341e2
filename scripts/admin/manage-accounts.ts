/** The commands of `npm run admin`, which need the packages of auth. */
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { accountStore } from '../../subgraphs/auth/accounts/accounts.ts'
import type { Accounts } from '../../subgraphs/auth/accounts/accounts.ts'
import { accountImporter } from '../../subgraphs/auth/accounts/import-accounts.ts'
import { administratorRole, ordinaryRole } from '../../subgraphs/auth/accounts/roles.ts'
import { canonicalUsername, readNewUsername } from '../../subgraphs/auth/accounts/username.ts'
import { auditTrail } from '../../subgraphs/auth/audit/audit-trail.ts'
import type { AuditTrail } from '../../subgraphs/auth/audit/audit-trail.ts'
import { openAuthDatabase } from '../../subgraphs/auth/database.ts'
import type { AuthDatabase } from '../../subgraphs/auth/database.ts'
import { passwordHasher } from '../../subgraphs/auth/passwords/hashing.ts'
import { passwordProblems } from '../../subgraphs/auth/passwords/password-rules.ts'
import { readPassword } from '../../subgraphs/auth/passwords/password-text.ts'
import { readAdminSettings } from '../../subgraphs/auth/settings.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** What the commands work on. */
export interface Parts {
  settings: ReturnType<typeof readAdminSettings>
  database: AuthDatabase
  accounts: Accounts
  audit: AuditTrail
}

/** Returns what the command returns that works on the database of the settings. */
export async function withAccounts<T>(command: (parts: Parts) => Promise<T>): Promise<T> {
  const settings = readAdminSettings(process.env)
  const database = await openAuthDatabase(settings.databaseUrl)
  try {
    return await command({
      settings,
      database,
      accounts: accountStore(database, settings.roles, Date.now),
      audit: auditTrail(database, settings.keyEncryptionSecrets[0], Date.now),
    })
  } finally {
    await database.destroy()
  }
}

/** Makes an administrator. */
export async function createAdministrator(
  { settings, accounts, audit }: Parts,
  typed: string,
): Promise<void> {
  const username = readNewUsername(typed)
  if (Array.isArray(username)) throw new StartFailure(`the username: ${username[0]?.message}`)
  const password = (await text(process.stdin)).replace(/\r?\n$/, '')
  const [problem] = passwordProblems(
    'password',
    password,
    username.canonical,
    settings.passwordRules,
  )
  if (problem) throw new StartFailure(`the password on standard input: ${problem.message}`)

  const passwords = await passwordHasher((task) => task())
  const id = randomUUID()
  const added = await accounts.add({
    id,
    username,
    name: typed,
    email: null,
    roles: [ordinaryRole, administratorRole],
    passwordHash: await passwords.hash(readPassword(password)!),
  })
  if (!added) {
    throw new StartFailure(`${typed} is taken: give another name, or grant ${typed} the role`)
  }
  await audit.record({ event: 'account created', accountId: id })
  console.log(`${username.canonical} is an administrator`)
}

/** Gives roles to an account. */
export async function grantRoles(
  { settings, database, accounts, audit }: Parts,
  typed: string,
  roles: readonly string[],
): Promise<void> {
  const unknown = roles.find((role) => !Object.hasOwn(settings.roles, role))
  if (unknown !== undefined || roles.length === 0) {
    throw new StartFailure(`give roles of ${Object.keys(settings.roles).join(', ')}`)
  }
  const account = await accounts.findByUsername(canonicalUsername(typed))
  if (!account) throw new StartFailure(`there is no account ${JSON.stringify(typed)}`)
  const held = [...new Set([...account.roles, ...roles])].join(' ')
  await database
    .updateTable('auth_accounts')
    .set({ roles: held })
    .where('id', '=', account.id)
    .execute()
  await audit.record({ event: 'roles changed', accountId: account.id })
  console.log(`${account.username} has the roles ${held}`)
}

/**
 * Makes accounts of the lines of standard input, and returns the exit code. Goes on after a line that
 * cannot be imported, and says which it was.
 */
export async function importAccounts({ settings, accounts, audit }: Parts): Promise<number> {
  const importAccount = accountImporter(accounts, settings.roles)
  const counts = { imported: 0, taken: 0, refused: 0 }
  let number = 0
  for await (const line of createInterface({ input: process.stdin })) {
    number++
    if (line.trim() === '') continue
    const result = await importAccount(line)
    counts[result.outcome]++
    if (result.outcome === 'taken') console.error(`line ${number}: the username is taken`)
    if (result.outcome === 'refused') console.error(`line ${number}: ${result.reason}`)
  }
  if (counts.imported > 0) await audit.record({ event: 'accounts imported' })
  console.log(`${counts.imported} imported, ${counts.taken} taken, ${counts.refused} refused`)
  return counts.taken + counts.refused === 0 ? 0 : 1
}

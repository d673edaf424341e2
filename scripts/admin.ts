/** `npm run admin`: manages accounts from the command line, above all the first administrator's. */
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { accountStore } from '../subgraphs/auth/accounts/accounts.ts'
import type { Accounts } from '../subgraphs/auth/accounts/accounts.ts'
import { accountImporter } from '../subgraphs/auth/accounts/import-accounts.ts'
import { administratorRole, ordinaryRole } from '../subgraphs/auth/accounts/roles.ts'
import { canonicalUsername, readNewUsername } from '../subgraphs/auth/accounts/username.ts'
import { auditTrail } from '../subgraphs/auth/audit/audit-trail.ts'
import type { AuditTrail } from '../subgraphs/auth/audit/audit-trail.ts'
import { openAuthDatabase } from '../subgraphs/auth/database.ts'
import type { AuthDatabase } from '../subgraphs/auth/database.ts'
import { passwordHasher } from '../subgraphs/auth/passwords/hashing.ts'
import { passwordProblems } from '../subgraphs/auth/passwords/password-rules.ts'
import { readPassword } from '../subgraphs/auth/passwords/password-text.ts'
import { readAdminSettings } from '../subgraphs/auth/settings.ts'
import { readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'

const usage = `
Usage: ${productCommand('admin', 'COMMAND')}

  create USERNAME           makes an administrator; the password comes on standard input
  grant USERNAME ROLE ...   gives roles to an account, effective with its next access token
  import                    makes accounts of lines of JSON on standard input, with hashes of
                            argon2 or bcrypt: {"username", "passwordHash", "id"?, "name"?,
                            "email"?, "emailVerified"?, "roles"?}

Settings as for ${productCommand('auth')}: DATABASE_URL or DATA_DIR, KEY_ENCRYPTION_SECRET(_FILE), AUTH_ROLES,
PASSWORD_MIN_LENGTH, NODE_ENV.
`

runCommand('admin', async () => {
  const { positionals } = readCommandLine({ usage, options: {}, positionals: true })
  const [command = '', username, ...roles] = positionals
  const most: Record<string, number> = { create: 2, import: 1 }
  const unexpected = Object.hasOwn(most, command) ? positionals[most[command]!] : undefined
  const commands: Record<string, (parts: Parts) => Promise<number | void>> = {
    create: (parts) => create(parts, required(username)),
    grant: (parts) => grant(parts, required(username), roles),
    import: importAccounts,
  }
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (!run) throw new StartFailure('give a command: create, grant or import; see --help')
  if (unexpected !== undefined) {
    throw new StartFailure(
      `unexpected word ${JSON.stringify(unexpected)} after ${command}: see --help`,
    )
  }

  const settings = readAdminSettings(process.env)
  const database = await openAuthDatabase(settings.databaseUrl)
  try {
    return await run({
      settings,
      database,
      accounts: accountStore(database, settings.roles, Date.now),
      audit: auditTrail(database, settings.keyEncryptionSecret, Date.now),
    })
  } finally {
    await database.destroy()
  }
})

interface Parts {
  settings: ReturnType<typeof readAdminSettings>
  database: AuthDatabase
  accounts: Accounts
  audit: AuditTrail
}

async function create({ settings, accounts, audit }: Parts, typed: string): Promise<void> {
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

async function grant(
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

/** Goes on after a line that cannot be imported, and says which it was. */
async function importAccounts({ settings, accounts, audit }: Parts): Promise<number> {
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

function required(username: string | undefined): string {
  if (username !== undefined) return username
  throw new StartFailure('the username is missing: see --help')
}

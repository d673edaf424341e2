/** `npm run admin`: manages accounts from the command line, above all the first administrator's. */
import { readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { requireOptionalPackages } from '../subgraphs/kit/process/optional-packages.ts'
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

/** How many words each command has, itself included. */
const mostWords: Readonly<Record<string, number>> = { create: 2, grant: Infinity, import: 1 }

runCommand('admin', async () => {
  const { positionals } = readCommandLine({ usage, options: {}, positionals: true })
  const [command = '', username, ...roles] = positionals
  if (!Object.hasOwn(mostWords, command)) {
    throw new StartFailure('give a command: create, grant or import; see --help')
  }
  const unexpected = positionals[mostWords[command]!]
  if (unexpected !== undefined) {
    throw new StartFailure(
      `unexpected word ${JSON.stringify(unexpected)} after ${command}: see --help`,
    )
  }
  requireOptionalPackages()
  const { createAdministrator, grantRoles, importAccounts, withAccounts } =
    await import('./admin/manage-accounts.ts')
  return withAccounts<number | void>((parts) => {
    if (command === 'import') return importAccounts(parts)
    if (command === 'grant') return grantRoles(parts, required(username), roles)
    return createAdministrator(parts, required(username))
  })
})

function required(username: string | undefined): string {
  if (username !== undefined) return username
  throw new StartFailure('the username is missing: see --help')
}

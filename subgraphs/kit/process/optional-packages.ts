import { productCommand } from './product-command.ts'
import { StartFailure } from './start-failure.ts'

/**
 * What auth and users need and the gateway does not: the optional dependencies of package.json. Some are
 * loaded only when they are needed, which is too late to notice that one is missing.
 */
export const optionalPackages = [
  '@apollo/server',
  '@apollo/subgraph',
  '@node-rs/argon2',
  '@node-rs/bcrypt',
  '@simplewebauthn/server',
  '@zxcvbn-ts/core',
  '@zxcvbn-ts/language-common',
  '@zxcvbn-ts/language-en',
  'kysely',
  'libsql',
  'nodemailer',
  'pg',
]

/**
 * Throws a StartFailure that lists the optional packages that are not installed, if there are any: npm
 * skips one that it cannot install without an error.
 */
export function requireOptionalPackages(): void {
  const missing = optionalPackages.filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  throw new StartFailure(
    `these packages are not installed: ${missing.join(', ')}. Install Portcullis without --omit=optional; ` +
      `only \`${productCommand('gateway')}\` and what reads no database works without them`,
  )
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}

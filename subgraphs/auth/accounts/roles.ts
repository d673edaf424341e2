/** The scopes of each role: a table, which a deployment can extend. */
export type Roles = Readonly<Record<string, readonly string[]>>

export const ordinaryRole = 'user'
export const administratorRole = 'administrator'

export const standardRoles: Roles = {
  [ordinaryRole]: ['profile', 'profile:email'],
  [administratorRole]: ['admin:users', 'admin:audit', 'admin:clients'],
}

const roleName = /^[a-z][a-z0-9-]{0,63}$/

/** RFC 6749 section 3.3. */
export function isScopeName(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(text)
}

/**
 * Returns the standard roles with those of a JSON text, as in `{"editor": ["articles:write"]}`;
 * undefined if the text is not of that shape.
 */
export function readRoles(text: string | undefined): Roles | undefined {
  if (text === undefined) return standardRoles
  try {
    const added: unknown = JSON.parse(text)
    return isRoles(added) ? { ...standardRoles, ...added } : undefined
  } catch {
    return undefined
  }
}

function isRoles(value: unknown): value is Roles {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, scopes]) =>
      roleName.test(name) &&
      Array.isArray(scopes) &&
      scopes.every((scope) => typeof scope === 'string' && isScopeName(scope)),
  )
}

/** Returns the scopes of an account, each once: those of its roles, and those given to it alone. */
export function scopesOf(roles: Roles, held: readonly string[], own: readonly string[]): string[] {
  return [...new Set([...held.flatMap((role) => roles[role] ?? []), ...own])]
}

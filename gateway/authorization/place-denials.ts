/** Where the client reads what was left out. */
import type { AuthorizationOptions } from './authorization-options.ts'

interface Result {
  readonly errors?: readonly unknown[]
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** Returns the result with the denials in their place; with `log` it stays as it is. */
export function placeDenials<Of extends Result>(
  result: Of,
  denials: readonly object[],
  place: AuthorizationOptions['errors'],
): Of {
  if (denials.length === 0 || place === 'log') return result
  if (place === 'errors') return { ...result, errors: [...(result.errors ?? []), ...denials] }
  return { ...result, extensions: { ...result.extensions, authorizationErrors: denials } }
}

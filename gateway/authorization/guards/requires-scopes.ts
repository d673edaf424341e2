import { fewestMissing, isMetBy } from '../alternatives.ts'
import type { GuardDirective } from './guard-directive.ts'
import { listGuard, missingNames } from './list-guard.ts'
import type { AnyOf } from './list-guard.ts'

/** `@requiresScopes`: met by an access token with all the scopes of one of the alternatives. */
export const requiresScopes: GuardDirective<AnyOf> = {
  ...listGuard('requiresScopes', 'scopes'),
  decidedBy: 'claims',
  policies: () => [],
  isMet: ({ anyOf }, { claims, scopes }) => claims !== null && isMetBy(anyOf, scopes),
  missing: (guards, { claims, scopes }) => ({
    ...(claims ? {} : { authenticated: true }),
    ...missingNames(guards, 'scopes', scopes),
  }),
  scopes: ({ anyOf }, { scopes }) => fewestMissing(anyOf, scopes),
  login: () => undefined,
  names: { noun: 'scope', typo: 'SCOPE_TYPO' },
}

import {
  canonical,
  fewestMissing,
  implies,
  isMetBy,
  missingFromAll,
  printAlternatives,
} from '../alternatives.ts'
import type { Alternatives } from '../alternatives.ts'
import { readAlternatives } from '../guard-lists.ts'
import type { GuardDirective } from './guard-directive.ts'

/** `@requiresScopes`: met by an access token with all the scopes of one of the alternatives. */
export const requiresScopes: GuardDirective<{ readonly anyOf: Alternatives }> = {
  name: 'requiresScopes',
  url: 'https://specs.apollo.dev/requiresScopes/v0.1',
  listArgument: 'scopes',
  read: (application, coordinate) => ({
    anyOf: readAlternatives(application, 'scopes', coordinate),
  }),
  canonical: ({ anyOf }) => ({ anyOf: canonical(anyOf) }),
  decidedBy: 'claims',
  policies: () => [],
  isMet: ({ anyOf }, { claims, scopes }) => claims !== null && isMetBy(anyOf, scopes),
  missing(guards, { claims, scopes }) {
    const lists = guards.map(({ anyOf }) => anyOf)
    const missing = missingFromAll(lists, scopes)
    return { ...(claims ? {} : { authenticated: true }), ...(missing ? { scopes: missing } : {}) }
  },
  scopes: ({ anyOf }, { scopes }) => fewestMissing(anyOf, scopes),
  login: () => undefined,
  print: ({ anyOf }) => `@requiresScopes(scopes: ${printAlternatives(anyOf)})`,
  alternatives: ({ anyOf }) => anyOf,
  implies: (one, other) => implies(one.anyOf, other.anyOf),
  names: { noun: 'scope', typo: 'SCOPE_TYPO' },
}

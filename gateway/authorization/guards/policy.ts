import { canonical, implies, isMetBy, missingFromAll, printAlternatives } from '../alternatives.ts'
import type { Alternatives } from '../alternatives.ts'
import { readAlternatives } from '../guard-lists.ts'
import { easiestLogin } from '../step-up.ts'
import type { GuardDirective } from './guard-directive.ts'

/** `@policy`: met by a request for which all the policies of one of the alternatives are granted. */
export const policy: GuardDirective<{ readonly anyOf: Alternatives }> = {
  name: 'policy',
  url: 'https://specs.apollo.dev/policy/v0.1',
  listArgument: 'policies',
  read: (application, coordinate) => ({
    anyOf: readAlternatives(application, 'policies', coordinate),
  }),
  canonical: ({ anyOf }) => ({ anyOf: canonical(anyOf) }),
  decidedBy: 'policies',
  policies: ({ anyOf }) => anyOf.flat(),
  isMet: ({ anyOf }, { policies }) => isMetBy(anyOf, policies),
  missing(guards, { policies }) {
    const lists = guards.map(({ anyOf }) => anyOf)
    const missing = missingFromAll(lists, policies)
    return missing ? { policies: missing } : {}
  },
  scopes: () => [],
  login: ({ anyOf }, { policies }, stepUp) => easiestLogin(anyOf, policies, stepUp),
  print: ({ anyOf }) => `@policy(policies: ${printAlternatives(anyOf)})`,
  alternatives: ({ anyOf }) => anyOf,
  implies: (one, other) => implies(one.anyOf, other.anyOf),
  names: { noun: 'policy', typo: 'POLICY_TYPO' },
}

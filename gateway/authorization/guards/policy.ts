import { isMetBy } from '../alternatives.ts'
import { easiestLogin } from '../step-up.ts'
import type { GuardDirective } from './guard-directive.ts'
import { listGuard, missingNames } from './list-guard.ts'
import type { AnyOf } from './list-guard.ts'

/** `@policy`: met by a request for which all the policies of one of the alternatives are granted. */
export const policy: GuardDirective<AnyOf> = {
  ...listGuard('policy', 'policies'),
  decidedBy: 'policies',
  policies: ({ anyOf }) => anyOf.flat(),
  isMet: ({ anyOf }, { policies }) => isMetBy(anyOf, policies),
  missing: (guards, { policies }) => missingNames(guards, 'policies', policies),
  scopes: () => [],
  login: ({ anyOf }, { policies }, stepUp) => easiestLogin(anyOf, policies, stepUp),
  names: { noun: 'policy', typo: 'POLICY_TYPO' },
}

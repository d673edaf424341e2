/** What the guards have in common that demand one of several lists of names: scopes, policies. */
import { canonical, implies, missingFromAll, printAlternatives } from '../alternatives.ts'
import type { Alternatives } from '../alternatives.ts'
import { readAlternatives } from '../guard-lists.ts'
import type { GuardDirective } from './guard-directive.ts'

/** What such a guard says: at least one of the lists has to be met completely. */
export interface AnyOf {
  readonly anyOf: Alternatives
}

/** Returns the columns that follow from the names of the directive and of its argument. */
export function listGuard(name: string, argument: string) {
  return {
    name,
    url: `https://specs.apollo.dev/${name}/v0.1`,
    listArgument: argument,
    read: (application, coordinate) => ({
      anyOf: readAlternatives(application, argument, coordinate),
    }),
    canonical: ({ anyOf }) => ({ anyOf: canonical(anyOf) }),
    print: ({ anyOf }) => `@${name}(${argument}: ${printAlternatives(anyOf)})`,
    alternatives: ({ anyOf }) => anyOf,
    implies: (one, other) => implies(one.anyOf, other.anyOf),
  } satisfies Partial<GuardDirective<AnyOf>>
}

/** Returns what is missing of all these lists under the name of the argument; nothing if they are met. */
export function missingNames(guards: readonly AnyOf[], argument: string, had: ReadonlySet<string>) {
  const lists = guards.map(({ anyOf }) => anyOf)
  const missing = missingFromAll(lists, had)
  return missing ? { [argument]: missing } : {}
}

/** From a directive's application to the guard that it is. */
import type { ConstDirectiveNode } from 'graphql'
import type { Alternatives } from './alternatives.ts'
import type { Guard } from './guard.ts'
import type { SpecName } from './security-specs.ts'
import { argumentsOf } from './supergraph-directives.ts'
import { SupergraphRefused } from './supergraph-refused.ts'

export const authenticated: Guard = { kind: 'authenticated' }

/** Returns the guard, or nothing for `@public`. What cannot be read is refused. */
export function guardOf(
  spec: SpecName,
  directive: ConstDirectiveNode,
  coordinate: string,
): Guard | undefined {
  switch (spec) {
    case 'public':
      return undefined
    case 'authenticated':
      return authenticated
    case 'requiresScopes':
      return { kind: 'scopes', anyOf: alternatives(directive, 'scopes', coordinate) }
    case 'policy':
      return { kind: 'policies', anyOf: alternatives(directive, 'policies', coordinate) }
  }
}

function alternatives(
  directive: ConstDirectiveNode,
  argument: string,
  coordinate: string,
): Alternatives {
  const value = argumentsOf(directive)[argument]
  if (isAlternatives(value)) return value
  throw new SupergraphRefused(
    `@${directive.name.value} on ${coordinate} has no list of lists of names in ${argument}`,
  )
}

function isAlternatives(value: unknown): value is Alternatives {
  return (
    Array.isArray(value) &&
    value.every((all) => Array.isArray(all) && all.every((name) => typeof name === 'string'))
  )
}

/** The lists in `@requiresScopes` and `@policy`, as GraphQL coerces them. */
import { Kind } from 'graphql'
import type { ConstDirectiveNode, ConstValueNode } from 'graphql'
import type { Alternatives } from './alternatives.ts'
import { argument } from './links.ts'
import { SupergraphRefused } from './supergraph-refused.ts'

/** Returns the alternatives in an argument of a directive; throws SupergraphRefused if it has none. */
export function readAlternatives(
  directive: ConstDirectiveNode,
  name: string,
  coordinate: string,
): Alternatives {
  const found = alternativesIn(argument(directive, name))
  if (found) return found
  throw new SupergraphRefused(
    `@${directive.name.value} on ${coordinate} has no list of lists of names in ${name}`,
  )
}

/**
 * Returns the alternatives that a value means; undefined if it means none. A value where a
 * list is expected is a list of one (GraphQL section 3.11, Input Coercion): `"a"`, `["a"]` and
 * `[["a"]]` are the same, and `["a", "b"]` is `[["a"], ["b"]]`.
 */
export function alternativesIn(value: ConstValueNode | undefined): Alternatives | undefined {
  if (value === undefined) return undefined
  const alternatives = itemsOf(value).map((all) => itemsOf(all).map(nameIn))
  return isComplete(alternatives) ? alternatives : undefined
}

function itemsOf(value: ConstValueNode): readonly ConstValueNode[] {
  return value.kind === Kind.LIST ? value.values : [value]
}

/** The scalars of these lists take a name in any form that has one. */
function nameIn(value: ConstValueNode): string | undefined {
  return value.kind === Kind.STRING || value.kind === Kind.ENUM ? value.value : undefined
}

function isComplete(alternatives: readonly (readonly unknown[])[]): alternatives is Alternatives {
  return alternatives.every((all) => all.every((name) => typeof name === 'string'))
}

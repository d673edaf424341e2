/** From a directive's application to what it means: a closed table, so that none is left unguarded. */
import type { ConstDirectiveNode } from 'graphql'
import type { Alternatives } from './alternatives.ts'
import type { Guard } from './guard.ts'
import { alternativesIn } from './guard-lists.ts'
import { argument } from './links.ts'
import type { SpecName } from './security-specs.ts'
import { SupergraphRefused } from './supergraph-refused.ts'

export const authenticated: Guard = { kind: 'authenticated' }

/** What a directive of one of the specifications says about the type or field that it stands on. */
export type Meaning = Guard | 'public'

type ReadMeaning = (directive: ConstDirectiveNode, coordinate: string) => Meaning

/** Every directive of every specification: one that is missing here does not compile. */
export type Meanings = Readonly<Record<SpecName, ReadMeaning>>

const meanings: Meanings = {
  public: () => 'public',
  authenticated: () => authenticated,
  requiresScopes: (directive, coordinate) => ({
    kind: 'scopes',
    anyOf: alternatives(directive, 'scopes', coordinate),
  }),
  policy: (directive, coordinate) => ({
    kind: 'policies',
    anyOf: alternatives(directive, 'policies', coordinate),
  }),
}

/** Returns what a directive means. What cannot be read is refused. */
export function meaningOf(
  spec: SpecName,
  directive: ConstDirectiveNode,
  coordinate: string,
): Meaning {
  return meanings[spec](directive, coordinate)
}

function alternatives(
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

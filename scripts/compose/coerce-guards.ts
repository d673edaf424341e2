import { Kind, visit } from 'graphql'
import type { ConstArgumentNode, ConstDirectiveNode, ConstValueNode, DocumentNode } from 'graphql'
import type { Alternatives } from '../../gateway/authorization/alternatives.ts'
import { directiveOf } from '../../gateway/authorization/guard-directives.ts'
import type { GuardKind } from '../../gateway/authorization/guard-directives.ts'
import { alternativesIn } from '../../gateway/authorization/guard-lists.ts'
import { guardKindsByName } from '../../gateway/authorization/subgraph-guards.ts'
import { SupergraphRefused } from '../../gateway/authorization/supergraph-refused.ts'

/** A subgraph's schema with its guards in the form that composition accepts. */
export interface CoercedGuards {
  readonly document: DocumentNode
  /** The directives whose lists cannot be read. */
  readonly unreadable: readonly ConstDirectiveNode[]
}

/**
 * Returns the schema with the lists of scopes and policies written as lists of lists. Composition does
 * not coerce them: `scopes: ["a"]`, which GraphQL coerces to `[["a"]]`, causes a TypeError in it.
 */
export function coerceGuards(document: DocumentNode): CoercedGuards {
  const kinds = kindsIn(document)
  const unreadable: ConstDirectiveNode[] = []
  const coerced = visit(document, {
    Directive(node) {
      const kind = kinds.get(node.name.value)
      const list = kind && directiveOf(kind).listArgument
      if (list === undefined) return undefined
      const directive = node as ConstDirectiveNode
      const given = directive.arguments ?? []
      return { ...directive, arguments: given.map((each) => coerceArgument(each, list, directive)) }
    },
  })
  return { document: coerced, unreadable }

  function coerceArgument(
    given: ConstArgumentNode,
    list: string,
    directive: ConstDirectiveNode,
  ): ConstArgumentNode {
    if (given.name.value !== list) return given
    const alternatives = alternativesIn(given.value)
    if (alternatives) return { ...given, value: listOfLists(alternatives) }
    unreadable.push(directive)
    return given
  }
}

/** Composition itself reports a link that cannot be read. */
function kindsIn(document: DocumentNode): ReadonlyMap<string, GuardKind> {
  try {
    return guardKindsByName(document)
  } catch (cause) {
    if (cause instanceof SupergraphRefused) return new Map()
    throw cause
  }
}

function listOfLists(alternatives: Alternatives): ConstValueNode {
  return listOf(
    alternatives.map((all) => listOf(all.map((value) => ({ kind: Kind.STRING, value }) as const))),
  )
}

function listOf(values: readonly ConstValueNode[]): ConstValueNode {
  return { kind: Kind.LIST, values }
}

/**
 * The supergraph without its guards. An executor that does not enforce them rightly refuses to load them:
 * only guardSupergraph, which makes the enforcer too, may call this.
 */
import { isTypeExtensionNode, Kind, print, visit } from 'graphql'
import type { ASTNode, ASTVisitor, DefinitionNode, DocumentNode } from 'graphql'
import type { Slices } from '../slices.ts'
import type { SpecNames } from './security-specs.ts'
import { SupergraphRefused } from './supergraph-refused.ts'

/** Where the enforcer looks for guards. One that is elsewhere would be lost, so it is refused. */
const guardedKinds: readonly string[] = [
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.INTERFACE_TYPE_DEFINITION,
  Kind.UNION_TYPE_DEFINITION,
  Kind.SCALAR_TYPE_DEFINITION,
  Kind.ENUM_TYPE_DEFINITION,
  Kind.FIELD_DEFINITION,
]

/** Returns the SDL without the specifications of this stage: their links, definitions and uses. */
export function* loadableSupergraph(document: DocumentNode, names: SpecNames): Slices<string> {
  const strip = withoutSpecs(names)
  const texts: string[] = []
  for (const definition of document.definitions) {
    yield
    const stripped = visit(definition, strip) as DefinitionNode | null
    if (stripped) texts.push(print(stripped))
  }
  return texts.join('\n\n')
}

function withoutSpecs(names: SpecNames): ASTVisitor {
  return {
    enter(node) {
      if (isTypeExtensionNode(node)) {
        throw new SupergraphRefused(
          `it extends ${node.name.value}, but a composed supergraph has each type whole: compose it anew`,
        )
      }
      return undefined
    },
    DirectiveDefinition: (node) => (names.owns(node.name.value) ? null : undefined),
    ScalarTypeDefinition: (node) => (names.owns(node.name.value) ? null : undefined),
    Directive(node, _key, _parent, _path, ancestors) {
      if (names.links.has(node as never)) return null
      const url = names.unlinked(node.name.value)
      if (url !== undefined) throw unlinked(node.name.value, url)
      if (!names.directives.has(node.name.value)) return undefined
      const holder = ancestors.at(-1) as ASTNode
      if (!guardedKinds.includes(holder.kind)) {
        throw new SupergraphRefused(
          `it has @${node.name.value} in a place where it cannot be enforced: ` +
            'it belongs on a type or on a field of an object or interface',
        )
      }
      return null
    },
  }
}

function unlinked(directive: string, url: string): SupergraphRefused {
  return new SupergraphRefused(
    `it has @${directive}, but no @link says which specification that is, so it would guard nothing: ` +
      `link ${url}, or give the directive another name`,
  )
}

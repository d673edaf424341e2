import { isTypeDefinitionNode, isTypeExtensionNode, parse } from 'graphql'
import type { ASTNode, DocumentNode } from 'graphql'
import type { LoadedSubgraph } from '../compose/load-schemas.ts'
import type { Place } from '../compose/problem.ts'

/** Returns the places in the subgraphs' schemas that define a type or a field. */
export type FindPlaces = (coordinate: string) => Place[]

/** Returns the function that finds places in these subgraphs. */
export function placesIn(subgraphs: readonly LoadedSubgraph[]): FindPlaces {
  const documents = subgraphs.map((subgraph) => ({ subgraph, document: parse(subgraph.sdl) }))
  return (coordinate) =>
    documents.flatMap(({ subgraph, document }) =>
      definitionsOf(coordinate, document).map(({ loc }) =>
        subgraph.locate(loc?.startToken.line, loc?.startToken.column),
      ),
    )
}

function definitionsOf(coordinate: string, document: DocumentNode): ASTNode[] {
  const [typeName, fieldName] = coordinate.split('.')
  return document.definitions.flatMap((definition) => {
    if (!isTypeDefinitionNode(definition) && !isTypeExtensionNode(definition)) return []
    if (definition.name.value !== typeName) return []
    if (fieldName === undefined) return [definition.name]
    const fields = 'fields' in definition ? (definition.fields ?? []) : []
    return fields.filter(({ name }) => name.value === fieldName).map(({ name }) => name)
  })
}

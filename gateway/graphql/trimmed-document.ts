import { Kind, visit } from 'graphql'
import type { DocumentNode, FragmentDefinitionNode, OperationDefinitionNode } from 'graphql'
import type { Fragments } from './fragments.ts'

/** Returns a document of one operation, with only the fragments and variables that it uses. */
export function trimmedDocument(
  operation: OperationDefinitionNode,
  fragments: Fragments = new Map(),
): DocumentNode & {
  readonly definitions: readonly [OperationDefinitionNode, ...FragmentDefinitionNode[]]
} {
  const { variableDefinitions = [], ...body } = operation
  const used = new Set<string>()
  const variables = new Set<string>()
  collect(body)
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        ...operation,
        variableDefinitions: variableDefinitions.filter(({ variable }) =>
          variables.has(variable.name.value),
        ),
      },
      ...[...fragments].flatMap(([name, definition]) => (used.has(name) ? [definition] : [])),
    ],
  }

  function collect(node: OperationDefinitionNode | FragmentDefinitionNode): void {
    visit(node, {
      Variable: ({ name }) => void variables.add(name.value),
      FragmentSpread({ name: { value: name } }) {
        const definition = fragments.get(name)
        if (!definition || used.has(name)) return
        used.add(name)
        collect(definition)
      },
    })
  }
}

/** How large an operation is with its fragments expanded: each fragment is measured once. */
import { Kind } from 'graphql'
import type {
  DocumentNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { fragmentsOf } from '../graphql/fragments.ts'
import { remembered } from '../values/remembered.ts'

/** The measures of an operation, under the names of their limits in gateway.yaml. */
export interface OperationSize {
  /** Tokens of the complete document. */
  readonly tokens: number
  /** The deepest nesting of fields. */
  readonly depth: number
  /** Fields and fragments. */
  readonly selections: number
  /** Fields with an alias. */
  readonly aliases: number
  readonly root_fields: number
  /** Directives on the operation, its variables, its fields and its fragments. */
  readonly directives: number
  /** Fields; a field that is selected several times in one selection set counts once. */
  readonly height: number
}

interface SetSize {
  depth: number
  selections: number
  aliases: number
  /** Fields of the set itself, not those below. */
  fields: number
  directives: number
  height: number
}

/** Returns the size of an operation of a valid document. */
export function measureOperation(
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationSize {
  const fragments = fragmentsOf(document)
  const measured = new Map<string, SetSize>()
  const { fields, ...size } = sizeOf(operation.selectionSet)
  const around = [operation, ...(operation.variableDefinitions ?? [])]
  return {
    ...size,
    tokens: document.tokenCount ?? 0,
    root_fields: fields,
    directives: around.reduce((sum, node) => sum + directivesOf(node), size.directives),
  }

  function sizeOf({ selections }: SelectionSetNode): SetSize {
    const size = { ...nothing }
    const names = new Set<string>()
    for (const selection of selections) {
      const below = sizeBelow(selection)
      const isField = selection.kind === Kind.FIELD
      size.selections += 1 + below.selections
      size.directives += directivesOf(selection) + below.directives
      size.aliases += below.aliases + (isField && selection.alias ? 1 : 0)
      size.fields += isField ? 1 : below.fields
      size.depth = Math.max(size.depth, below.depth + (isField ? 1 : 0))
      size.height += below.height
      if (!isField || names.has(selection.name.value)) continue
      names.add(selection.name.value)
      size.height++
    }
    return size
  }

  function sizeBelow(selection: SelectionNode): SetSize {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      return remembered(measured, selection.name.value, (name) =>
        sizeOf(fragments.get(name)!.selectionSet),
      )
    }
    return selection.selectionSet ? sizeOf(selection.selectionSet) : nothing
  }
}

const nothing: Readonly<SetSize> = {
  depth: 0,
  selections: 0,
  aliases: 0,
  fields: 0,
  directives: 0,
  height: 0,
}

function directivesOf({ directives }: { readonly directives?: readonly unknown[] | undefined }) {
  return directives?.length ?? 0
}

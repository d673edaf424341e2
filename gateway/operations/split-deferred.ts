/** An operation with `@defer` -> what is sent first, and a document for each fragment that is sent later. */
import { Kind } from 'graphql'
import type {
  DirectiveNode,
  DocumentNode,
  FragmentSpreadNode,
  InlineFragmentNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { fragmentsOf } from '../graphql/fragments.ts'
import { leadingField } from '../graphql/on-path.ts'
import { trimmedDocument } from '../graphql/trimmed-document.ts'
import { isDefer } from './defer-directive.ts'

/** What is sent at one time, and what later. */
export interface DeferredOperation {
  readonly first: DocumentNode
  readonly later: readonly DeferredFragment[]
}

/** A fragment with `@defer`. */
export interface DeferredFragment {
  readonly label: string | undefined
  /** The response names of the fields that lead to it. */
  readonly path: readonly string[]
  /** Selects it, and nothing else but the fields that lead to it. */
  readonly document: DocumentNode
}

/** Puts a selection into the fields and fragments that lead to it. */
type Within = (selections: readonly SelectionNode[]) => readonly SelectionNode[]

interface Place {
  readonly path: readonly string[]
  readonly within: Within
}

/**
 * Returns the parts; none of the documents has `@defer`. A fragment without which nothing would be selected
 * of its object is not deferred, which a service may decide.
 *
 * @param values of the variables, for `@defer(if: $variable)`
 */
export function splitDeferred(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  values: Readonly<Record<string, unknown>>,
): DeferredOperation {
  const fragments = fragmentsOf(document)
  const later: { label: string | undefined; path: readonly string[]; selections: Selections }[] = []
  const selections = split(operation.selectionSet, { path: [], within: (all) => all })
  const documentOf = (all: Selections) =>
    trimmedDocument({ ...operation, selectionSet: setOf(all) })
  return {
    first: documentOf(selections),
    later: later.map(({ label, path, selections }) => ({
      label,
      path,
      document: documentOf(selections),
    })),
  }

  /** Returns what is sent first of a selection set. */
  function split({ selections }: SelectionSetNode, place: Place): Selections {
    const isAllDeferred = selections.every((one) => deferOf(one) !== undefined)
    return selections.flatMap((one) => splitOne(one, place, !isAllDeferred))
  }

  function splitOne(selection: SelectionNode, place: Place, mayDefer: boolean): Selections {
    if (selection.kind === Kind.FIELD) {
      if (!selection.selectionSet) return [selection]
      const key = (selection.alias ?? selection.name).value
      const below: Place = {
        path: [...place.path, key],
        within: (all) => place.within([{ ...leadingField(selection), selectionSet: setOf(all) }]),
      }
      return [{ ...selection, selectionSet: setOf(split(selection.selectionSet, below)) }]
    }
    const defer = deferOf(selection)
    const inline = inlined(selection)
    const inFragment = (all: Selections) => [{ ...inline, selectionSet: setOf(all) }]
    const within: Within = (all) => place.within(inFragment(all))
    if (!defer || !mayDefer) return inFragment(split(inline.selectionSet, { ...place, within }))
    // What is deferred within a deferred fragment comes after it.
    const index = later.push({ ...defer, path: place.path, selections: [] }) - 1
    later[index]!.selections = within(split(inline.selectionSet, { ...place, within }))
    return []
  }

  /** Returns the label of a fragment that is deferred; undefined for what is not. */
  function deferOf(selection: SelectionNode): { label: string | undefined } | undefined {
    const directive =
      selection.kind === Kind.FIELD ? undefined : selection.directives?.find(isDefer)
    if (!directive || valueOf(directive, 'if') === false) return undefined
    const label = directive.arguments?.find(({ name }) => name.value === 'label')?.value
    return { label: label?.kind === Kind.STRING ? label.value : undefined }
  }

  function valueOf({ arguments: given }: DirectiveNode, name: string): unknown {
    const value = given?.find((one) => one.name.value === name)?.value
    if (value?.kind === Kind.VARIABLE)
      return values[value.name.value] ?? defaultOf(value.name.value)
    return value && 'value' in value ? value.value : undefined
  }

  function defaultOf(variable: string): unknown {
    const definition = operation.variableDefinitions?.find(
      (one) => one.variable.name.value === variable,
    )
    const value = definition?.defaultValue
    return value && 'value' in value ? value.value : undefined
  }

  function inlined(selection: InlineFragmentNode | FragmentSpreadNode): InlineFragmentNode {
    const directives = selection.directives?.filter((directive) => !isDefer(directive)) ?? []
    if (selection.kind === Kind.INLINE_FRAGMENT) return { ...selection, directives }
    const { typeCondition, selectionSet } = fragments.get(selection.name.value)!
    return { kind: Kind.INLINE_FRAGMENT, typeCondition, directives, selectionSet }
  }
}

type Selections = readonly SelectionNode[]

function setOf(selections: Selections): SelectionSetNode {
  return { kind: Kind.SELECTION_SET, selections: [...selections] }
}

/**
 * The fault: `@requires(fields: "price(currency: \"USD\")")`. The planner knows a field by its response
 * name alone, so it mixes up a required field that has arguments with the same field under other
 * arguments, selected by the client or required by another field.
 *
 * Each required field with arguments becomes a field of its own, without arguments, in the supergraph
 * that the planner sees: `_required0_price`. The fetches of the plan get the real field back.
 */
import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner'
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'
import type {
  ConstDirectiveNode,
  DefinitionNode,
  DocumentNode,
  FieldDefinitionNode,
  FieldNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { hasFields } from '../graphql/type-with-fields.ts'
import type { TypeWithFields } from '../graphql/type-with-fields.ts'
import { parseFieldSet, printFieldSet } from '../graphql/field-set.ts'
import { namedTypeOf } from '../graphql/named-type.ts'
import type { PassRules, RequiredField } from './passes.ts'

export interface SupergraphWithRequiredFields {
  readonly document: DocumentNode
  /** By the name in the planner's supergraph. */
  readonly requiredFields: ReadonlyMap<string, RequiredField>
  /** By `graph.Type.field` (the graph as in `join__Graph`): the stand-ins that the field requires. */
  readonly requiredBy: ReadonlyMap<string, readonly string[]>
}

/** Returns the supergraph in which no `@requires` has arguments. */
export function separateRequiredArguments(supergraph: DocumentNode): SupergraphWithRequiredFields {
  const types = new Map(
    supergraph.definitions.filter(hasFields).map((type) => [type.name.value, type]),
  )
  const implementations = implementationsOf(types)
  const names = new Map<string, string>()
  const requiredFields = new Map<string, RequiredField>()
  const requiredBy = new Map<string, string[]>()
  const added = new Map<string, Map<string, FieldDefinitionNode>>()

  const rewritten = new Map(
    [...types].map(([name, type]) => [
      name,
      {
        ...type,
        fields: (type.fields ?? []).map((field) => ({
          ...field,
          directives: directivesOf(field, name, field.name.value),
        })),
      } as TypeWithFields,
    ]),
  )
  if (requiredFields.size === 0) return { document: supergraph, requiredFields, requiredBy }

  const definitions = supergraph.definitions.map((definition): DefinitionNode => {
    if (!hasFields(definition)) return definition
    const type = rewritten.get(definition.name.value) ?? definition
    const more = added.get(definition.name.value)
    return more
      ? ({ ...type, fields: [...(type.fields ?? []), ...more.values()] } as typeof type)
      : type
  })
  return { document: { ...supergraph, definitions }, requiredFields, requiredBy }

  function directivesOf(field: FieldDefinitionNode, typeName: string, fieldName: string) {
    return (field.directives ?? []).map((directive) =>
      directive.name.value === 'join__field'
        ? withoutArguments(directive, typeName, fieldName)
        : directive,
    )
  }

  function withoutArguments(join: ConstDirectiveNode, typeName: string, fieldName: string) {
    const requires = join.arguments?.find(({ name }) => name.value === 'requires')
    if (requires?.value.kind !== Kind.STRING || !requires.value.value.includes('(')) return join
    const standIns: string[] = []
    const selectionSet = rewrite(parseFieldSet(requires.value.value), typeName, standIns)
    const graph = join.arguments?.find(({ name }) => name.value === 'graph')
    const owner = graph?.value.kind === Kind.ENUM ? graph.value.value : ''
    requiredBy.set(`${owner}.${typeName}.${fieldName}`, standIns)
    const value = { ...requires.value, value: printFieldSet(selectionSet) }
    return {
      ...join,
      arguments: join.arguments!.map((argument) =>
        argument === requires ? { ...requires, value } : argument,
      ),
    }
  }

  function rewrite(set: SelectionSetNode, parent: string, standIns: string[]): SelectionSetNode {
    const selections = set.selections.map((selection): SelectionNode => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return selection
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const type = selection.typeCondition?.name.value ?? parent
        return { ...selection, selectionSet: rewrite(selection.selectionSet, type, standIns) }
      }
      const definition = fieldOf(parent, selection.name.value)
      const inner =
        selection.selectionSet && definition
          ? rewrite(selection.selectionSet, namedTypeOf(definition.type), standIns)
          : selection.selectionSet
      const field = { ...selection, ...(inner ? { selectionSet: inner } : {}) }
      if (!selection.arguments?.length || !definition) return field
      return standIn(field, parent, standIns)
    })
    return { ...set, selections }
  }

  function standIn(field: FieldNode, parent: string, standIns: string[]): FieldNode {
    const call = print({ ...field, selectionSet: undefined } as unknown as FieldNode)
    let name = names.get(call)
    if (name === undefined) {
      name = `_required${names.size}_${field.name.value}`
      names.set(call, name)
      requiredFields.set(name, { name: field.name.value, arguments: field.arguments! })
    }
    standIns.push(name)
    for (const type of [parent, ...(implementations.get(parent) ?? [])]) addField(type, field, name)
    return { ...field, name: { ...field.name, value: name }, arguments: [] }
  }

  function addField(typeName: string, field: FieldNode, name: string): void {
    const definition = fieldOf(typeName, field.name.value)
    if (!definition) return
    const fields = added.get(typeName) ?? new Map<string, FieldDefinitionNode>()
    added.set(typeName, fields)
    if (fields.has(name)) return
    const copy = {
      kind: definition.kind,
      name: { ...definition.name, value: name },
      arguments: [],
      type: definition.type,
    }
    fields.set(name, copy)
    fields.set(name, { ...copy, directives: directivesOf(definition, typeName, name) })
  }

  function fieldOf(typeName: string, fieldName: string): FieldDefinitionNode | undefined {
    return types.get(typeName)?.fields?.find(({ name }) => name.value === fieldName)
  }
}

function implementationsOf(types: ReadonlyMap<string, TypeWithFields>): Map<string, string[]> {
  const implementations = new Map<string, string[]>()
  for (const [name, type] of types) {
    for (const implemented of type.interfaces ?? []) {
      const list = implementations.get(implemented.name.value) ?? []
      implementations.set(implemented.name.value, [...list, name])
    }
  }
  return implementations
}

/** Returns the fetch in which each required field has its own name and arguments. */
export function restoreRequiredFields(
  fetch: FetchNode,
  { requiredFields }: Pick<PassRules, 'requiredFields'>,
): readonly FetchNode[] {
  if (requiredFields.size === 0) return [fetch]
  const document = parse(fetch.operation, { noLocation: true })
  const restored = visit(document, {
    Field(field): FieldNode | undefined {
      const original = requiredFields.get(field.name.value)
      if (!original) return undefined
      return {
        ...field,
        alias: field.alias ?? field.name,
        name: { kind: Kind.NAME, value: original.name },
        arguments: [...(field.arguments ?? []), ...original.arguments],
      }
    },
  })
  const renames = (fetch.requires ?? []).flatMap((selection) =>
    renamesOf(selection, requiredFields),
  )
  const operation =
    restored === document ? fetch.operation : stripIgnoredCharacters(print(restored))
  const inputRewrites = [...(fetch.inputRewrites ?? []), ...renames]
  return [{ ...fetch, operation, ...(renames.length > 0 ? { inputRewrites } : {}) }]
}

/** A representation carries the required value under the field's real name. */
function renamesOf(
  selection: QueryPlanSelectionNode,
  requiredFields: PassRules['requiredFields'],
  path: readonly string[] = [],
): { kind: 'KeyRenamer'; path: string[]; renameKeyTo: string }[] {
  if (selection.kind === 'InlineFragment') {
    const inner = selection.typeCondition ? [...path, `... on ${selection.typeCondition}`] : path
    return selection.selections.flatMap((child) => renamesOf(child, requiredFields, inner))
  }
  const here = [...path, selection.alias ?? selection.name]
  const inside = (selection.selections ?? []).flatMap((child) =>
    renamesOf(child, requiredFields, here),
  )
  const original = requiredFields.get(selection.name)
  return original
    ? [...inside, { kind: 'KeyRenamer', path: here, renameKeyTo: original.name }]
    : inside
}

/**
 * The planner's plan -> the plan to execute: required fields get their real names and arguments back,
 * and fetches that cannot share representations are taken apart.
 */
import type { FetchNode, PlanNode, QueryPlanSelectionNode } from '@apollo/query-planner'
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'
import type { FieldNode } from 'graphql'
import type { EntityRules } from './entity-rules.ts'
import type { RequiredField } from './required-arguments.ts'
import { separateArguments, separateRequirements } from './separate-fetches.ts'

export interface PlanRules {
  /** What each stand-in for a required field with arguments stands for. */
  readonly requiredFields: ReadonlyMap<string, RequiredField>
  /** By `graph.Type.field`: the stand-ins that the field requires. */
  readonly requiredBy: ReadonlyMap<string, readonly string[]>
  readonly entities: EntityRules
  /** The value of a subgraph in `join__Graph`. */
  readonly graphOf: (subgraph: string) => string
}

/** Returns the plan to execute. */
export function finishPlan(node: PlanNode, rules: PlanRules): PlanNode {
  switch (node.kind) {
    case 'Sequence':
    case 'Parallel':
      return { ...node, nodes: node.nodes.map((child) => finishPlan(child, rules)) }
    case 'Flatten':
      return { ...node, node: finishPlan(node.node, rules) }
    case 'Condition':
      return {
        ...node,
        ...(node.ifClause ? { ifClause: finishPlan(node.ifClause, rules) } : {}),
        ...(node.elseClause ? { elseClause: finishPlan(node.elseClause, rules) } : {}),
      }
    case 'Fetch': {
      const fetches = finishFetch(node, rules)
      return fetches.length === 1 ? fetches[0]! : { kind: 'Parallel', nodes: fetches }
    }
    default:
      return node
  }
}

function finishFetch(fetch: FetchNode, rules: PlanRules): FetchNode[] {
  const { requiredFields, requiredBy, entities, graphOf } = rules
  const graph = graphOf(fetch.serviceName)
  return separateArguments(
    fetch,
    requiredFields,
    ({ type, field }) => requiredBy.get(`${graph}.${type}.${field}`) ?? [],
  )
    .flatMap((part) => separateRequirements(part, graph, entities))
    .map((part) => restoreRequiredFields(part, requiredFields))
}

function restoreRequiredFields(
  fetch: FetchNode,
  requiredFields: PlanRules['requiredFields'],
): FetchNode {
  if (requiredFields.size === 0) return fetch
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
  return {
    ...fetch,
    operation: restored === document ? fetch.operation : stripIgnoredCharacters(print(restored)),
    ...(renames.length > 0 ? { inputRewrites: [...(fetch.inputRewrites ?? []), ...renames] } : {}),
  }
}

/** A representation carries the required value under the field's real name. */
function renamesOf(
  selection: QueryPlanSelectionNode,
  requiredFields: PlanRules['requiredFields'],
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

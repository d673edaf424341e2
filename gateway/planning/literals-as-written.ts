/**
 * The fault: the planner makes JavaScript values of literals of custom scalars and prints those:
 * 9007199254740993 becomes ...992, 0.10 becomes 0.1, an enum value a string.
 *
 * Each literal that would change is a string of our own while the planner has the operation, and is
 * put back into the operations that the planner has written.
 */
import type { PlanNode } from '@apollo/query-planner'
import {
  getNamedType,
  isScalarType,
  isSpecifiedScalarType,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type { ASTNode, DocumentNode, OperationDefinitionNode, ValueNode } from 'graphql'
import type { OperationToPlan, PassRules } from './passes.ts'
import { replaceFetches } from './plan-nodes.ts'

/** Returns the operation with a string in the place of each literal that the planner would change. */
export function replaceLiterals(
  operation: OperationDefinitionNode,
  { apiSchema }: Pick<PassRules, 'apiSchema'>,
  { document }: OperationToPlan,
): OperationDefinitionNode {
  const prefix = prefixFor(document)
  if (prefix === undefined) return operation
  const types = new TypeInfo(apiSchema)
  /** How deep the value of a custom scalar is that is visited, itself included. */
  let outermost: number | undefined

  return visit(
    operation,
    visitWithTypeInfo(types, {
      enter(node, _key, _parent, path) {
        if (outermost === undefined && isOfCustomScalar(node, types)) outermost = path.length
        if (outermost === undefined || !changes(node)) return undefined
        return { kind: Kind.STRING, value: prefix + node.value }
      },
      leave(_node, _key, _parent, path) {
        if (path.length === outermost) outermost = undefined
      },
    }),
  )
}

/** Returns the plan with the literals as the client wrote them. */
export function restoreLiterals(
  plan: PlanNode,
  _rules: unknown,
  { document }: OperationToPlan,
): PlanNode {
  const prefix = prefixFor(document)
  if (prefix === undefined) return plan
  // Numbers and names: no character of these is escaped in a string.
  const replaced = new RegExp(`"${prefix}([\\w.+-]+)"`, 'g')
  return replaceFetches(plan, (fetch) => ({
    ...fetch,
    operation: fetch.operation.replace(replaced, '$1'),
  }))
}

type ScalarLiteral = Extract<ValueNode, { kind: Kind.INT | Kind.FLOAT | Kind.ENUM }>

/** Returns whether the planner prints the literal differently. */
function changes(node: ASTNode): node is ScalarLiteral {
  if (node.kind === Kind.ENUM) return true
  if (node.kind !== Kind.INT && node.kind !== Kind.FLOAT) return false
  return String(Number(node.value)) !== node.value
}

function isOfCustomScalar(node: ASTNode, types: TypeInfo): boolean {
  const type = getNamedType(types.getInputType())
  return kindsOfValues.has(node.kind) && isScalarType(type) && !isSpecifiedScalarType(type)
}

const kindsOfValues: ReadonlySet<Kind> = new Set([
  Kind.INT,
  Kind.FLOAT,
  Kind.ENUM,
  Kind.LIST,
  Kind.OBJECT,
])

/** Returns what no string of the document starts with; undefined when no literal would change. */
function prefixFor(document: DocumentNode): string | undefined {
  const texts: string[] = []
  let hasLiteralThatChanges = false
  visit(document, {
    enter(node) {
      if (node.kind === Kind.STRING) texts.push(node.value)
      else hasLiteralThatChanges ||= changes(node)
    },
  })
  return hasLiteralThatChanges ? unusedPrefix(texts) : undefined
}

/** Returns a text that is in none of the texts. */
function unusedPrefix(texts: readonly string[]): string {
  const taken = new Set(
    texts.flatMap((text) => [...text.matchAll(/_literal(\d+)_/g)].map(([, number]) => number)),
  )
  let number = 0
  while (taken.has(String(number))) number++
  return `_literal${number}_`
}

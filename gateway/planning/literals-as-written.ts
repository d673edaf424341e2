/**
 * Literals of custom scalars reach subgraphs as the client wrote them.
 *
 * The planner makes JavaScript values of all arguments and writes those: 9007199254740993 becomes ...992,
 * 0.10 becomes 0.1, an enum value a string. What would change is a text of our own while the planner has
 * the operation, and goes back to what it was in the operations that the planner has written.
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
import type { ASTNode, DocumentNode, GraphQLSchema, StringValueNode, ValueNode } from 'graphql'

export interface LiteralsKept {
  /** The document for the planner. */
  readonly document: DocumentNode
  /** Returns the plan with the literals as they were written. */
  restore(plan: PlanNode): PlanNode
}

/**
 * Returns the document with literals that the planner leaves alone.
 *
 * @param schema the one that clients see
 */
export function keepLiterals(schema: GraphQLSchema, document: DocumentNode): LiteralsKept {
  const { texts, hasLiteralThatChanges } = literalsOf(document)
  if (!hasLiteralThatChanges) return { document, restore: (plan) => plan }
  const prefix = unusedPrefix(texts)
  const literals = new Map<string, string>()
  const types = new TypeInfo(schema)
  /** How deep the value of a custom scalar is that is visited, itself included. */
  let outermost: number | undefined

  const kept = visit(
    document,
    visitWithTypeInfo(types, {
      enter(node, _key, _parent, path) {
        if (outermost === undefined && isOfCustomScalar(node, types)) outermost = path.length
        return outermost !== undefined && changes(node) ? standIn(node.value) : undefined
      },
      leave(_node, _key, _parent, path) {
        if (path.length === outermost) outermost = undefined
      },
    }),
  ) as DocumentNode
  const written = [...literals.keys()]
  const standIns = new RegExp(`"${prefix}(\\d+)"`, 'g')

  return {
    document: kept,
    restore: (plan) =>
      changeOperations(plan, (operation) =>
        operation.replace(standIns, (_, index: string) => written[Number(index)]!),
      ),
  }

  function standIn(literal: string): StringValueNode {
    const value = literals.get(literal) ?? `${prefix}${literals.size}`
    literals.set(literal, value)
    return { kind: Kind.STRING, value }
  }
}

type ScalarLiteral = Extract<ValueNode, { kind: Kind.INT | Kind.FLOAT | Kind.ENUM }>

/** Whether the planner writes the literal otherwise. */
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

function literalsOf(document: DocumentNode) {
  const texts: string[] = []
  let hasLiteralThatChanges = false
  visit(document, {
    enter(node) {
      if (node.kind === Kind.STRING) texts.push(node.value)
      else hasLiteralThatChanges ||= changes(node)
    },
  })
  return { texts, hasLiteralThatChanges }
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

function changeOperations(node: PlanNode, change: (operation: string) => string): PlanNode {
  switch (node.kind) {
    case 'Fetch':
      return { ...node, operation: change(node.operation) }
    case 'Sequence':
    case 'Parallel':
      return { ...node, nodes: node.nodes.map((child) => changeOperations(child, change)) }
    case 'Flatten':
      return { ...node, node: changeOperations(node.node, change) }
    case 'Condition': {
      const { ifClause, elseClause } = node
      return {
        ...node,
        ...(ifClause ? { ifClause: changeOperations(ifClause, change) } : {}),
        ...(elseClause ? { elseClause: changeOperations(elseClause, change) } : {}),
      }
    }
    default:
      return node
  }
}

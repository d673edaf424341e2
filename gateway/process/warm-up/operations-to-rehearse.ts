/** The operations of a warm-up: those that clients have sent, then made-up ones. */
import { isInputType, Kind, OperationTypeNode, parse, typeFromAST, validate } from 'graphql'
import type { DocumentNode, GraphQLSchema, TypeNode } from 'graphql'
import { yieldToEventLoop } from '../../slices.ts'
import {
  madeUpInput,
  madeUpOperations,
  mostOperations,
} from '../../supergraph/made-up-operations.ts'
import type { MadeUpOperation } from '../../supergraph/made-up-operations.ts'

/** What a warm-up sends. */
export interface OperationsToRehearse {
  readonly operations: readonly MadeUpOperation[]
  /** How many of them clients have sent. */
  readonly kept: number
}

/**
 * Returns the documents that are valid for this schema, with made-up variables, and as many made-up operations as
 * there is room for.
 * @param deadline as `performance.now()` counts: the documents that are left then are not used
 */
export async function operationsToRehearse(
  documents: readonly string[],
  schema: GraphQLSchema,
  deadline: number,
): Promise<OperationsToRehearse> {
  const kept: MadeUpOperation[] = []
  for (const query of documents) {
    if (performance.now() > deadline) break
    await yieldToEventLoop()
    const variables = variablesOf(query, schema)
    if (variables) kept.push({ query, variables })
  }
  const room = Math.max(0, mostOperations - kept.length)
  return {
    operations: [...kept, ...madeUpOperations(schema).slice(0, room)],
    kept: kept.length,
  }
}

/** Returns a value for each variable that has to have one; undefined if the document does not fit the schema. */
function variablesOf(
  query: string,
  schema: GraphQLSchema,
): MadeUpOperation['variables'] | undefined {
  const document = parsed(query)
  if (!document || validate(schema, document, undefined, { maxErrors: 1 }).length > 0)
    return undefined
  const operation = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return undefined
  if (operation.operation === OperationTypeNode.SUBSCRIPTION) return undefined
  const needed = (operation.variableDefinitions ?? []).filter(
    ({ type, defaultValue }) => type.kind === Kind.NON_NULL_TYPE && !defaultValue,
  )
  return Object.fromEntries(
    needed.map(({ variable, type }) => [variable.name.value, valueOf(type, schema)]),
  )
}

function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query)
  } catch {
    return undefined
  }
}

function valueOf(node: TypeNode, schema: GraphQLSchema): unknown {
  const type = typeFromAST(schema, node as never)
  return isInputType(type) ? madeUpInput(type) : undefined
}

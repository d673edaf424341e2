/** Prepares an operation for authorization: parses, validates and selects it once per text. */
import { Kind } from 'graphql'
import type { DocumentNode, OperationDefinitionNode, OperationTypeNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import { GatewayError } from '../errors.ts'
import { variablesCheck } from './check-variables.ts'
import type { VariableValues } from './check-variables.ts'
import { exceededLimits, tooLarge } from './limit-operation.ts'
import type { Exceeded, OperationLimits } from './limit-operation.ts'
import { mostOperations, operationBudget, operationWeight } from './operation-weight.ts'
import { requestError } from './request-errors.ts'
import { documentReader } from './validate-document.ts'
import type { ValidationOptions } from './validate-document.ts'
import { nullCondition } from './variable-errors.ts'

/** The request of a client. */
export interface OperationRequest {
  readonly method: 'GET' | 'POST'
  /** The text of the document. */
  readonly query: string
  readonly operationName: string | undefined
  readonly variables: VariableValues
}

/** The part of a compiled operation that this stage needs. */
export interface Compiled {
  /** The variables that decide about `@skip` and `@include`, with their defaults. */
  readonly conditionVariables: ReadonlyMap<string, boolean | undefined>
}

/**
 * Returns the requested operation, compiled. Throws a GatewayError or a RequestError if the document is
 * not valid, the operation is not in it or not supported, or the variables cannot be coerced.
 */
export type PrepareOperation<Of extends Compiled> = (request: OperationRequest) => Of

/** Reports a request whose operation exceeds a limit. */
export type OnExceeded = (exceeded: Exceeded, operation: OperationDefinitionNode) => void

export interface PrepareOptions<Of extends Compiled> extends ValidationOptions {
  readonly limits: ValidationOptions['limits'] & {
    /** Limits beyond those that protect the gateway itself. */
    readonly operation: OperationLimits
  }
  readonly onExceeded?: OnExceeded | undefined
  /**
   * Compiles an operation of a valid document; the result is kept with the operation.
   *
   * @param deferring the document as the client wrote it, if it has `@defer`
   */
  readonly compile: (
    document: DocumentNode,
    operation: OperationDefinitionNode,
    deferring: DocumentNode | undefined,
  ) => Of
}

interface Prepared<Of> {
  readonly compiled: Of
  readonly exceeded: readonly Exceeded[]
  /** Throws a RequestError. */
  readonly refuseVariables: (variables: VariableValues) => void
}

interface PreparedDocument<Of> {
  readonly document: DocumentNode
  /** Set if it has `@defer`. */
  readonly deferring: DocumentNode | undefined
  readonly operations: Map<OperationDefinitionNode, Prepared<Of>>
}

/** The most operations of one document that are kept compiled. */
const operationsOfDocument = 16

/** Returns the function that prepares operations for one schema. Its cache is bounded by bytes. */
export function operationPreparer<Of extends Compiled>(
  options: PrepareOptions<Of>,
): PrepareOperation<Of> {
  const { apiSchema, compile, onExceeded } = options
  const exceeded = exceededLimits(options.limits.operation)
  const documents = new LRUCache<string, PreparedDocument<Of>>({
    max: mostOperations,
    maxSize: operationBudget(),
    sizeCalculation: ({ document, deferring }) => operationWeight(document) * (deferring ? 2 : 1),
  })
  const reader = documentReader(options)

  return ({ method, query, operationName, variables }) => {
    const known = documents.get(query)
    const parsed = known?.document ?? reader.parse(query)
    const named = operationNamed(parsed, operationName)
    if (named) refuseKind(named.operation, method)
    const { document, deferring, operations } = known ?? keep(query, parsed)
    const operation = document === parsed ? named : operationNamed(document, operationName)
    if (!operation) throw new GatewayError('OPERATION_RESOLUTION_FAILURE')
    const prepared =
      operations.get(operation) ?? prepare(document, operation, deferring, operations)
    refuseExceeded(prepared.exceeded, operation)
    refuseExceeded(exceeded.ofVariables(variables), operation)
    prepared.refuseVariables(variables)
    return prepared.compiled
  }

  function refuseKind(kind: OperationTypeNode, method: OperationRequest['method']): void {
    // A browser's EventSource subscribes by GET, which is as safe as a query.
    if (method === 'GET' && kind === 'mutation') throw new GatewayError('GET_NOT_ALLOWED')
    if (apiSchema.getRootType(kind)) return
    throw new GatewayError(
      kind === 'subscription' ? 'SUBSCRIPTIONS_NOT_SERVED' : 'MUTATIONS_NOT_SERVED',
    )
  }

  function keep(text: string, parsed: DocumentNode): PreparedDocument<Of> {
    const document = reader.validate(parsed)
    const deferring = document === parsed ? undefined : parsed
    const kept = {
      document,
      deferring,
      operations: new Map<OperationDefinitionNode, Prepared<Of>>(),
    }
    documents.set(text, kept)
    return kept
  }

  function prepare(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    deferring: DocumentNode | undefined,
    operations: PreparedDocument<Of>['operations'],
  ): Prepared<Of> {
    const compiled = compile(document, operation, deferring)
    const prepared = {
      compiled,
      exceeded: exceeded.ofOperation(deferring ?? document, writtenAs(operation, deferring)),
      refuseVariables: variablesRefusal(operation, compiled),
    }
    if (operations.size >= operationsOfDocument) operations.clear()
    operations.set(operation, prepared)
    return prepared
  }

  function refuseExceeded(all: readonly Exceeded[], operation: OperationDefinitionNode): void {
    if (all.length === 0) return
    for (const one of all) onExceeded?.(one, operation)
    const refused = all.find(({ mode }) => mode === 'enforce')
    if (refused) throw tooLarge(refused)
  }

  function variablesRefusal(
    { variableDefinitions = [] }: OperationDefinitionNode,
    { conditionVariables }: Compiled,
  ): (variables: VariableValues) => void {
    const check = variablesCheck(apiSchema, variableDefinitions)
    return (variables) => {
      const errors = check(variables)
      if (errors.length > 0) throw requestError(errors, 'BAD_USER_INPUT')
      for (const name of conditionVariables.keys()) {
        if (!Object.hasOwn(variables, name) || variables[name] !== null) continue
        throw requestError([nullCondition(name)], 'BAD_USER_INPUT')
      }
    }
  }
}

/** Returns the operation as its client wrote it, with `@defer`. */
function writtenAs(
  operation: OperationDefinitionNode,
  deferring: DocumentNode | undefined,
): OperationDefinitionNode {
  return (deferring && operationNamed(deferring, operation.name?.value)) ?? operation
}

/** GetOperation (GraphQL, section 6.1): undefined when the name does not choose exactly one. */
function operationNamed(
  { definitions }: DocumentNode,
  name: string | undefined,
): OperationDefinitionNode | undefined {
  let chosen: OperationDefinitionNode | undefined
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    if (name !== undefined && definition.name?.value !== name) continue
    if (chosen) return undefined
    chosen = definition
  }
  return chosen
}

/** Plans the operations that clients use, before the first client has to wait for it. */
import { Kind, specifiedRules, validate } from 'graphql'
import type { Authorizer } from '../authorization/authorizer.ts'
import { allScopes } from '../authorization/what-is-missing.ts'
import { GatewayError } from '../errors.ts'
import { RequestError } from '../graphql/response-error.ts'
import type { KnownOperation } from '../operations/known-operations.ts'
import { documentReader } from '../operations/validate-document.ts'
import type { DocumentLimits } from '../operations/validate-document.ts'
import { yieldToEventLoop } from '../slices.ts'
import type { Executor } from './executor.ts'

/** The operations used last are those that clients send; planning the rest would delay the swap. */
const operationsPlanned = 100
const longestMilliseconds = 10_000
/** Half of what is kept planned: the other half is for what clients send. */
const knownPlanned = 500

/** Prepares those operations that another executor used last and that are still valid. */
export async function warmUp(
  executor: Pick<Executor<never>, 'apiSchema' | 'prepare'>,
  used: Pick<Executor<never>, 'operations'>,
): Promise<void> {
  const deadline = performance.now() + longestMilliseconds
  let left = operationsPlanned
  for (const { document, operationName } of [...used.operations()]) {
    if (left-- === 0 || performance.now() > deadline) return
    await yieldToEventLoop()
    if (validate(executor.apiSchema, document, specifiedRules, { maxErrors: 1 }).length > 0)
      continue
    // If one can no longer be planned, the client that sends it gets the error.
    await executor.prepare({ document, operationName }).catch(() => {})
  }
}

/** Plans known operations, the first ones first, as many as there is time and room for. */
export type PlanKnownOperations = (known: Iterable<KnownOperation>) => Promise<void>

/** Returns the function that plans known operations as they are executed for callers that may see everything. */
export function knownOperationsPlanner(
  authorizer: Authorizer,
  executor: Pick<Executor<never>, 'apiSchema' | 'prepare'>,
  limits: DocumentLimits,
): PlanKnownOperations {
  const { apiSchema } = executor
  const introspection = authorizer.options.introspection !== 'refuse'

  return async (known) => {
    const caller = { claims: { sub: '', scope: allScopes(authorizer) } }
    const granted = new Set(authorizer.policyNames)
    const reader = documentReader({ apiSchema, limits, introspection })
    const deadline = performance.now() + longestMilliseconds
    let left = knownPlanned
    for (const { text } of known) {
      if (left-- === 0 || performance.now() > deadline) return
      await yieldToEventLoop()
      await plan(text).catch((cause: unknown) => {
        // The client that sends it gets the error.
        if (!(cause instanceof GatewayError || cause instanceof RequestError)) throw cause
      })
    }

    async function plan(text: string): Promise<void> {
      const document = reader.validate(reader.parse(text))
      for (const definition of document.definitions) {
        if (definition.kind !== Kind.OPERATION_DEFINITION) continue
        const compiled = authorizer.compile(document, definition.name?.value)
        const authorized = authorizer.authorize(compiled, caller, {}, granted)
        if ('document' in authorized) await executor.prepare(authorized)
      }
    }
  }
}

/** Plans the operations that clients use, before the first client has to wait for it. */
import { specifiedRules, validate } from 'graphql'
import type { Executor } from './executor.ts'
import { yieldToEventLoop } from '../slices.ts'

/** The operations used last are those that clients send; planning the rest would delay the swap. */
const operationsPlanned = 100
const longestMilliseconds = 10_000

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

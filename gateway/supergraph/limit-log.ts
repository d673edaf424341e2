/** What the log says of limits that are measured: how often is in the metrics. */
import type { OperationDefinitionNode } from 'graphql'
import type { Logger } from 'pino'
import type { Exceeded } from '../operations/limit-operation.ts'
import { remembered } from '../values/remembered.ts'

/** The most lines in a minute: clients can send any number of operations. */
const linesPerMinute = 20

/** How much of the name of an operation is logged, in characters: clients choose it. */
const longestName = 100

/** Returns the function that logs that an operation exceeds a limit: once for each operation and limit. */
export function limitLog(
  log: Pick<Logger, 'warn'>,
  now: () => number,
): (exceeded: Exceeded<string>, operation: OperationDefinitionNode) => void {
  const logged = new WeakMap<OperationDefinitionNode, Set<string>>()
  let minute = 0
  let lines = 0
  let omitted = 0

  return ({ limit, value, max, mode }, operation) => {
    if (mode === 'enforce') return
    const limits = remembered(logged, operation, () => new Set<string>())
    if (limits.has(limit)) return
    const current = Math.floor(now() / 60_000)
    if (current !== minute) {
      minute = current
      lines = 0
    }
    if (lines >= linesPerMinute) {
      omitted++
      return
    }
    limits.add(limit)
    lines++
    const operationName = operation.name?.value.slice(0, longestName)
    log.warn(
      { limit, value, max, operationName, ...(omitted > 0 ? { omitted } : {}) },
      'an operation exceeds a limit that is measured',
    )
    omitted = 0
  }
}

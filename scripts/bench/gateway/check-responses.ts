/** Compares the responses of the contenders before anything is measured: the cost of a wrong response says nothing. */
import { createHash } from 'node:crypto'
import type { RunningContender } from './contender.ts'
import { requestOnce } from './measure.ts'
import type { BenchOperation } from './operations.ts'

/** The length in bytes of the response of a contender to an operation; undefined if requests differ. */
export type ResponseBytes = (
  contender: RunningContender,
  operation: BenchOperation,
) => number | undefined

/**
 * Returns the lengths of the responses. Throws if a response has other data than the first contender's,
 * or other errors than the operation expects.
 */
export async function checkResponses(
  running: readonly RunningContender[],
  operations: readonly BenchOperation[],
  token: string,
): Promise<ResponseBytes> {
  const lengths = new Map<RunningContender, Map<BenchOperation, number>>(
    running.map((contender) => [contender, new Map()]),
  )
  for (const operation of operations) {
    let expected: string | undefined
    for (const contender of running.filter(({ executes }) => executes(operation))) {
      const response = await requestOnce(contender.url, operation, token)
      const received = comparable(response)
      expected ??= received.data
      const errorPaths = canonical(operation.errorPaths ?? [])
      if (received.data !== expected || received.errorPaths !== errorPaths) {
        throw new Error(
          `the response of ${contender.name} to "${operation.name}" is not as expected: ` +
            response.toString('utf8', 0, 300),
        )
      }
      if (typeof operation.query === 'string') {
        lengths.get(contender)!.set(operation, response.length)
      }
    }
  }
  return (contender, operation) => lengths.get(contender)?.get(operation)
}

interface Comparable {
  /** A hash of the data: the responses of all contenders would be too large to keep. */
  readonly data: string
  readonly errorPaths: string
}

function comparable(response: Buffer): Comparable {
  const { data, errors = [] } = JSON.parse(response.toString()) as {
    data?: unknown
    errors?: readonly { path?: unknown }[]
  }
  return {
    data: createHash('sha256')
      .update(canonical(data ?? null))
      .digest('hex'),
    errorPaths: canonical(errors.map(({ path = null }) => path)),
  }
}

/** Returns JSON text with the keys of every object in alphabetical order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  )
}

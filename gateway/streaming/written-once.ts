import type { OperationResult } from '../http/result-response.ts'
import { remembered } from '../values/remembered.ts'

/** Returns a function that returns what is sent for a result: written once, however many clients get the result. */
export function writtenOnce(
  write: (result: OperationResult) => string,
): (result: OperationResult) => Buffer {
  const written = new WeakMap<OperationResult, Buffer>()
  return (result) => remembered(written, result, () => Buffer.from(write(result)))
}

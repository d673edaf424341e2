import type { Span, Trace } from '../client-request.ts'
import { reasonOfFailure } from './outcome.ts'

/** Returns the result of a step of a request, which is a span of its trace if the request is sampled. */
export function inSpan<Result>(
  trace: Trace | undefined,
  name: string,
  step: (span: Span | undefined) => Result,
): Result {
  if (!trace) return step(undefined)
  const span = trace.start(name)
  const failed = (cause: unknown): never => {
    span.end(reasonOfFailure(cause))
    throw cause
  }
  try {
    const result = step(span)
    if (result instanceof Promise) return result.then(succeeded, failed) as Result
    return succeeded(result)
  } catch (cause) {
    return failed(cause)
  }

  function succeeded<Value>(value: Value): Value {
    span.end()
    return value
  }
}

/** Executions for events: one for all listeners of a stream for which it would be the same. */
import type { SubscriptionEvent } from '../execution/subscription-event.ts'

/** A result is held only while it is made: afterwards by those who write it, so that no queue holds results. */
interface Execution<Result extends object> {
  running: Promise<Result> | undefined
  result: WeakRef<Result> | undefined
}

/** Returns the function that executes for an event, unless there is an execution with that key. */
export function eventExecutions<Result extends object>() {
  const byEvent = new WeakMap<SubscriptionEvent, Map<string, Execution<Result>>>()

  return (
    event: SubscriptionEvent,
    key: string,
    execute: () => Promise<Result>,
  ): Promise<Result> | Result => {
    const executions = byEvent.get(event) ?? new Map<string, Execution<Result>>()
    byEvent.set(event, executions)
    const known = executions.get(key)
    const result = known?.running ?? known?.result?.deref()
    if (result) return result
    const execution: Execution<Result> = { running: execute(), result: undefined }
    executions.set(key, execution)
    return execution.running!.then(
      (made) => {
        execution.running = undefined
        execution.result = new WeakRef(made)
        return made
      },
      (cause: unknown) => {
        executions.delete(key)
        throw cause
      },
    )
  }
}

/** Events that wait until their listener reads them. */

export interface EventQueue<T> {
  readonly events: AsyncIterableIterator<T>
  /** Adds an event; one too many ends the events with the error of `tooMany` instead. */
  push(event: T): void
  /** Ends the events after those that wait. */
  finish(): void
}

export interface EventQueueOptions {
  /** The most events that may wait. */
  readonly most: number
  /** Returns the error with which the events end when more than that wait. */
  readonly tooMany: () => Error
  /** Called once, when no event is added any longer. */
  readonly onEnd: () => void
}

/** Returns an empty queue, for one reader that asks for one event at a time. */
export function eventQueue<T>({ most, tooMany, onEnd }: EventQueueOptions): EventQueue<T> {
  const waiting: T[] = []
  let isOpen = true
  let failure: Error | undefined
  let wake = () => {}

  const end = () => {
    if (isOpen) onEnd()
    isOpen = false
    wake()
  }
  const events: AsyncIterableIterator<T> = {
    async next() {
      while (waiting.length === 0 && isOpen) {
        await new Promise<void>((resolve) => (wake = resolve))
      }
      if (failure) {
        const error = failure
        failure = undefined
        throw error
      }
      return waiting.length > 0
        ? { done: false, value: waiting.shift()! }
        : { done: true, value: undefined }
    },
    async return() {
      waiting.length = 0
      end()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => events,
  }
  return {
    events,
    push(event) {
      if (!isOpen) return
      if (waiting.length < most) {
        waiting.push(event)
        return wake()
      }
      waiting.length = 0
      failure = tooMany()
      end()
    },
    finish: end,
  }
}

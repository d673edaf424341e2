/** How long a process may take to say how it is, in milliseconds: shorter than a health check waits. */
const probeTime = 900

/**
 * Returns a function that asks, and rejects when there is no response in time. A process that hangs is not
 * asked again before it has responded, however often it is probed.
 */
export function probe<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let underWay: Promise<Value> | undefined

  return async () => {
    underWay ??= ask().finally(() => (underWay = undefined))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no response within ${probeTime} ms`)), probeTime)
    })
    return Promise.race([underWay, late]).finally(() => clearTimeout(timer))
  }
}

/** Returns a task whose runs never overlap. It must not reject. */
export function oneAtATime(task: () => Promise<void>) {
  let requested = false
  let running: Promise<void> | undefined
  return {
    /** Runs the task now or, when it is running, once more afterwards, however often this is called. */
    request(): void {
      requested = true
      running ??= run()
    },
    /** Resolves when the task is not running and has not been requested. */
    idle: async () => running,
  }

  async function run(): Promise<void> {
    while (requested) {
      requested = false
      await task()
    }
    running = undefined
  }
}
